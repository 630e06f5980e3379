// SPDX-License-Identifier: MIT
#include "oracle.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <thread>

#include "drain.h"
#include "shm/caretaker.h"
#include "shm/lane_directory.h"
#include "shm/segment.h"
#include "shm/site_table.h"
#include "shm/snapshot.h"
#include "support/dump_text.h"

namespace logbus::kill_points {
namespace {

using namespace detail;
using std::chrono::steady_clock;

constexpr std::uint32_t kWitnessRecords = 3;

void require(bool condition, const std::string& what) {
  if (!condition) throw std::runtime_error(what);
}

shm::BusOptions named(const Stage& stage, const std::string& bus) {
  shm::BusOptions options = stage.options;
  options.bus = bus;
  return options;
}

/// The torn record, if there is one: found in the words of its lane, and shown by dump.
bool has_torn(const Stage& stage, const std::string& bus) {
  shm::Snapshot snapshot = shm::Snapshot::of_bus(named(stage, bus));
  bool found = false;
  for (std::uint32_t lane = 0; lane < snapshot.lanes(); ++lane)
    found |= unpack_lane(snapshot.producer_line(lane).word.load()).state == LaneState::kOpen &&
             snapshot.read_lane(lane).in_flight.has_value();
  tools::DumpOptions options;
  options.json = true;
  const std::string text = testing::dump_text(snapshot, options);
  const std::size_t at = text.find("\"in_flight\"");
  require(found == (at != std::string::npos), "dump and the lanes' words differ about a torn record");
  if (!found) return false;
  const std::string object = text.substr(at, text.find('\n', at) - at);
  require(object.find(kOperationFormat) != std::string::npos ||
              object.find("record {} {} {}") != std::string::npos,
          "dump shows a torn record without its site: " + object);
  return true;
}

void witness(const Stage& stage) {
  const std::string text = text_of(20);
  for (std::uint32_t i = 1; i < kWitnessRecords; ++i) stage.log(kWitness, text);
  stage.log_operation(kWitness, text);
}

void read(consumer::BusQueue& queue, Board& board, const std::function<bool()>& enough) {
  const auto end = steady_clock::now() + std::chrono::seconds(5);
  LogRecord record;
  while (!enough()) {
    if (queue.get(record, std::chrono::milliseconds(1)))
      note(board, record.name, record.get_message());
    else
      require(steady_clock::now() < end, "records are not delivered");
  }
}

std::uint32_t delivered(const Board& board, Writer who) {
  std::uint32_t count = 0;
  for (const auto& seen : board.seen[who]) count += seen != 0;
  return count;
}

/// A worker that comes now, and the reader, go on: what was committed comes without the reader being ended.
void read_all(const Stage& stage, const std::string& bus) {
  Board& board = *stage.board;
  consumer::BusQueue queue(named(stage, bus));
  if (bus == "test") {
    stage.configure();
    std::thread([&stage] { witness(stage); }).join();
    read(queue, board, [&] { return delivered(board, kWitness) == kWitnessRecords; });
  }
  queue.begin_stop();
  LogRecord record;
  while (queue.get(record, std::chrono::milliseconds(0))) note(board, record.name, record.get_message());
  queue.task_done();
}

void check_records(const Stage& stage, const Operation& operation, std::uint64_t dropped, bool torn) {
  Board& board = *stage.board;
  std::uint64_t issued = 0, returned = 0, seen = 0;
  for (std::size_t who = 0; who < kWriters; ++who) {
    for (std::size_t n = 0; n < kMostRecords; ++n) {
      const std::string which = "record " + std::to_string(n) + " of writer " + std::to_string(who);
      require(board.seen[who][n] <= 1, which + " is delivered twice");
      require(board.seen[who][n] == 0 || n < board.issued[who], which + " has never been logged");
      require(operation.drops || n >= board.returned[who] || board.seen[who][n] == 1, which + " is lost");
    }
    issued += board.issued[who];
    returned += board.returned[who];
    seen += delivered(board, static_cast<Writer>(who));
  }
  require(operation.drops || dropped == 0, "records are dropped");
  const std::string sum = std::to_string(seen) + " delivered, " + std::to_string(dropped) + " dropped, " +
                          std::to_string(issued) + " calls, " + std::to_string(returned) + " returned";
  require(returned <= seen + dropped && seen + dropped <= issued, "the sum is wrong: " + sum);
  require(dropped == board.told,
          "dropped and told differ: " + sum + ", " + std::to_string(board.told) + " told");
  // Who is killed between its commit and the end of its call is in doubt; what dump calls torn is not.
  if (torn && !operation.follow_child)
    require(seen + dropped == returned, "what dump calls torn is delivered: " + sum);
}

void check_directory(const Stage& stage, const Operation& operation) {
  for (const auto& entry : std::filesystem::directory_iterator(stage.directory)) {
    const std::string name = entry.path().filename();
    if (name != "test.logbus" &&
        (operation.old_bus == nullptr || name != operation.old_bus + std::string(".logbus")))
      throw std::runtime_error("a file is left: " + name);
  }
}

/// So that it can be attached to: workers have left it.
void let_in_again(const Stage& stage, const std::string& bus) {
  const shm::Segment segment = shm::Segment::open_existing(named(stage, bus), shm::Segment::Role::kSidecar);
  segment.shared().attention.fetch_and(~kAttentionRetired);
}

}  // namespace

// All memory is in the budget again, all lanes are free, the slots can be had.
std::uint64_t check_given_back(const Stage& stage, const std::string& bus) {
  const shm::Segment segment = shm::Segment::open_existing(named(stage, bus), shm::Segment::Role::kSidecar);
  shm::Caretaker caretaker(segment, named(stage, bus), "");
  for (int i = 0; i < 2; ++i) caretaker.sweep_all();
  std::uint64_t dropped = 0;
  for (std::uint32_t lane = 0; lane < segment.lanes(); ++lane) {
    const std::string which = "lane " + std::to_string(lane);
    const shm::ProducerLine& line = segment.producer_line(lane);
    require(unpack_lane(line.word.load()).state == LaneState::kFree, which + " does not come back");
    require(line.busy.load() == 0, which + " stays busy");
    for (std::uint32_t step = 0; step < segment.steps(); ++step)
      require(segment.step_table(lane)[step].load() == 0,
              which + ": step " + std::to_string(step) + " stays in state " +
                  std::to_string(segment.step_table(lane)[step].load()));
    for (std::size_t s = 0; s < kSeverities; ++s) {
      dropped += line.dropped[s].load();
      require(line.dropped[s].load() == segment.consumer_line(lane).reported[s].load(),
              which + ": drops that nobody has told");
    }
  }
  require(segment.shared().budget_left.load() ==
              static_cast<std::int64_t>(segment.consumer().memory_bytes.load()),
          "memory of the budget is lost");
  const base::UniqueFd fd = segment.reopen();
  require(
      ::lseek(fd.get(), static_cast<off_t>(segment.preamble().data.offset), SEEK_DATA) < 0 && errno == ENXIO,
      "a lane has memory that no step has");
  for (const Word64& word : segment.blocked_bitmap())
    require(word.load() == 0, "a dead writer still waits for room");
  for (std::uint32_t id = 1; id < segment.preamble().sites; ++id)
    require(segment.site_table()[id].load() == 0 || shm::SiteTable(segment).read(id).has_value(),
            "site " + std::to_string(id) + " leads nowhere");
  for (std::uint32_t i = 0; i < segment.slots(); ++i) {
    const shm::ProcessSlot& slot = segment.slot(i);
    const std::string which = "slot " + std::to_string(i);
    for (const Word64& count : slot.dropped_no_lane) dropped += count.load();
    require(slot.memory_bytes.load() == 0, which + " has memory");
    require(slot.records_closed.load() <= kMostRecords, which + " counts too much");
    if (slot_state(slot.word.load()) == SlotState::kFree) continue;
    if (slot.pid.load() == static_cast<std::uint32_t>(::getpid())) continue;  // the witness's
    const shm::LifeLock lock = shm::LifeLock::try_take(segment, shm::kSlotLockBase + i);
    require(lock.held(), which + " is locked by nobody");
    require(shm::clean_slot(segment, i, true), which + " does not come back");
  }
  return dropped;
}

void check(const Stage& stage, const Operation& operation) {
  check_directory(stage, operation);
  bool torn = false;
  std::uint64_t dropped = 0;
  for (const std::string bus : {operation.old_bus == nullptr ? "" : operation.old_bus, "test"}) {
    if (bus.empty()) continue;
    if (bus != "test") let_in_again(stage, bus);
    if (bus != "test" || std::filesystem::exists(stage.directory + "/test.logbus"))
      torn |= has_torn(stage, bus);
  }
  if (torn) ++stage.board->in_flight;
  if (operation.old_bus != nullptr) {
    read_all(stage, operation.old_bus);
    dropped += check_given_back(stage, operation.old_bus);
  }
  read_all(stage, "test");
  dropped += check_given_back(stage, "test");
  check_records(stage, operation, dropped, torn);
  check_directory(stage, operation);
}

}  // namespace logbus::kill_points
