// SPDX-License-Identifier: MIT
// Writers, the reader, and what must hold in every order of their steps.
#include "stage.h"

#include <chrono>
#include <memory>

#include "kernel.h"

namespace logbus::model {
namespace {

using namespace detail;

constexpr std::uint32_t kFrame = LaneWriter::frame_bytes(8);

Plan plan;
shm::Segment segment;
LaneWriter writers[kWriters];
std::unique_ptr<shm::Caretaker> caretaker;
std::unique_ptr<consumer::LaneMerge> merge;

std::uint64_t payload_of(unsigned writer, unsigned record) {
  return 0x5EED0000 + writer * 256 + record;
}

/// A worker's calls: what detail::write_now() does, and attend() after it.
void write_records(unsigned index) {
  LaneWriter& writer = writers[index];
  for (unsigned n = 0; n < plan.records; ++n) {
    truth.in_call[index] = true;
    if (!writer.enter()) return fail("a writer is in the middle of a record that it has not begun");
    std::byte* const to = writer.begin(kFrame, frame_tag(FrameKind::kRecord, n + 1));
    const std::uint64_t payload = payload_of(index, n);
    std::memcpy(to, &payload, sizeof payload);
    if (writer.commit()) shm::ring(segment.shared());
    truth.in_call[index] = false;
    forget_all_but(&writer, sizeof writer, false);
  }
}

/// All frames that the last pass has made ready.
void take_ready() {
  shm::Frame frame;
  std::uint32_t lane = 0;
  while (merge->next(frame, lane)) {
    const unsigned n = truth.given[lane]++;
    std::uint64_t payload = 0;
    std::memcpy(&payload, frame.payload, sizeof payload);
    if (n >= truth.stamped[lane]) return fail("a frame that nobody has written");
    if (frame.position != n * kFrame || frame.size != kFrame ||
        frame.tag != frame_tag(FrameKind::kRecord, n + 1) || payload != payload_of(lane, n) ||
        frame.ticks != truth.stamps[lane][n])
      return fail("a torn frame");
    if (plan.order && frame.ticks < truth.last_given) return fail("a record after one with a higher stamp");
    truth.last_given = frame.ticks;
  }
}

/// Records of this writer that are committed, or will be without its doing more: of a living one all that it
/// has stamped.
unsigned to_be_given(unsigned index) {
  if (!killed(index)) return truth.stamped[index];
  return static_cast<unsigned>(as_stored_by(index, &shm::model_memory.producer_lines[index].committed, 8) /
                               kFrame);
}

/// Nothing stamped so far lies below the watermark but what has been given.
void check_watermark() {
  for (unsigned i = 0; i < plan.writers && plan.order; ++i)
    if (truth.given[i] < to_be_given(i) && truth.stamps[i][truth.given[i]] < merge->watermark())
      return fail("a record below the watermark that the pass has not given");
}

bool all_given() {
  for (unsigned i = 0; i < plan.writers; ++i)
    if (truth.given[i] != (killed(i) ? to_be_given(i) : plan.records)) return false;
  return true;
}

void one_pass() {
  const Truth before = truth;
  merge->pass(false);
  truth.found_nothing = merge->empty();
  take_ready();
  check_watermark();
  bool quiet = plan.progress;
  for (unsigned i = 0; i < plan.writers; ++i)
    quiet &= !killed(i) && !before.in_call[i] && !truth.in_call[i] && before.stamped[i] == truth.stamped[i];
  for (unsigned i = 0; i < plan.writers && quiet; ++i)
    if (truth.given[i] != truth.stamped[i]) return fail("a pass has missed what was committed before it");
  merge->commit();
  ++truth.pass;
  truth.rested = false;
  forget_all_but(merge.get(), sizeof *merge, true);
}

/// The sidecar's drain: pass after pass, and the doorbell when there is nothing left to wait for.
void read_records(unsigned) {
  const bool too_late = settings().mutant == Mutant::kNoSecondLook;
  while (truth.pass < plan.passes) {
    if (plan.sleeps && !too_late) merge->doorbell().announce_sleep();
    one_pass();
    if (!plan.sleeps) continue;
    if (all_given()) return;
    if (!truth.found_nothing) {
      merge->doorbell().stay_awake();
      continue;
    }
    if (too_late) merge->doorbell().announce_sleep();
    merge->doorbell().sleep(std::chrono::hours(1));
    truth.rested = true;
    forget_all_but(merge.get(), sizeof *merge, true);
  }
}

void check_end() {
  if (asleep(plan.writers) && merge->anything_new())
    return fail("the reader sleeps over a record and nobody will ring");
  merge->pass(true);
  take_ready();
  if (!all_given()) fail("a record is lost");
}

/// Whether the bytes are beyond what the lane's readers can have seen to be committed.
bool is_unread(const void* at) {
  const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(at) - shm::model_memory.data[0]);
  const std::size_t lane = offset / shm::kModelLaneBytes;
  return shm::model_memory.producer_lines[lane].committed.load() <= offset % shm::kModelLaneBytes;
}

/// The clock, and who has stamped what.
std::uint64_t stamp() {
  const std::uint64_t now = clock();
  if (const unsigned index = self(); index < plan.writers) truth.stamps[index][truth.stamped[index]++] = now;
  return now;
}

void set_up() {
  std::memset(static_cast<void*>(&shm::model_memory), 0, sizeof shm::model_memory);
  std::memset(static_cast<void*>(&shm::model_tables), 0, sizeof shm::model_tables);
  truth = {};
  Preamble& preamble = shm::model_tables.preamble;
  preamble.clock_source = ClockSource::kTsc;
  preamble.ticks_per_second_guess = 1'000'000'000;
  preamble.lane_size = 64 << 10;
  preamble.steps_per_lane = 1;

  set_ticks(stamp);
  shm::model_lane_data[0] = shm::model_memory.data[0];
  shm::model_lane_data[1] = shm::model_memory.data[1];
  keep(&shm::model_memory, sizeof shm::model_memory);
  keep(writers, sizeof writers);
  keep_and_compare(&truth, sizeof truth);
  allocate_in_world(true);
  caretaker.release();
  merge.release();  // their memory was the last world's
  shm::BusOptions options;
  options.memory = 1 << 20;
  options.max_hold = std::chrono::hours(1);
  caretaker = std::make_unique<shm::Caretaker>(segment, options, "");
  merge = std::make_unique<consumer::LaneMerge>(segment, *caretaker);
  allocate_in_world(false);

  static const char* const names[kWriters][4] = {{"committed 0", "busy 0", "data 0", "writer 0"},
                                                 {"committed 1", "busy 1", "data 1", "writer 1"}};
  watch(&shm::model_memory.shared.attention, 4, Kind::kAttention, kEverybody, "attention");
  for (unsigned i = 0; i < plan.writers; ++i) {
    ProducerLine& line = shm::model_memory.producer_lines[i];
    line.word.store(pack({LaneState::kOpen, i, 1}));
    writers[i] = {};
    writers[i].data = shm::model_memory.data[i];
    writers[i].limit[0] = writers[i].limit[1] = shm::kModelLaneBytes;
    writers[i].line = &line;
    writers[i].attention = &shm::model_memory.shared.attention;
    writers[i].clock = ClockSource::kTsc;
    writers[i].fenced = plan.fenced;
    watch(&line.committed, 8, Kind::kCommitted, i, names[i][0]);
    watch(&line.busy, 4, Kind::kBusy, i, names[i][1]);
    watch(shm::model_memory.data[i], plan.records * kFrame, Kind::kOnce, i, names[i][2]);
  }
  set_unread(is_unread);
  for (unsigned i = 0; i < plan.writers; ++i) spawn(write_records, names[i][3], !plan.fenced, true);
  spawn(read_records, "reader", false);
}

}  // namespace

Run run(const Plan& wanted, const Settings& settings, bool tell) {
  plan = wanted;
  reset(settings);
  set_up();
  const auto start = std::chrono::steady_clock::now();
  const Result result = explore(check_end, tell);
  return {result, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()};
}

}  // namespace logbus::model
