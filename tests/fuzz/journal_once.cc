// SPDX-License-Identifier: MIT
// A journal that a killed sidecar may have left, or somebody else who may write the bus: recovery ends, and
// has done nothing but append to log files, rename them, and move read positions of frames that are there.
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string_view>
#include <vector>

#include <logbus/error.h>
#include "file_status.h"
#include "journal_recovery.h"
#include "once.h"
#include "support/shm_bus.h"

namespace logbus::fuzz {
namespace journal {
namespace {

using namespace detail;
using shm::JournalState;

constexpr std::uint32_t kLanes = 4;
constexpr std::uint64_t kRead = 800, kCommitted = 1600, kDropped = 7, kRecords = 9;

/// Those of the configuration come first, then what rotations make of them; the rest is other people's.
constexpr std::string_view kNames[] = {"app.log",      "other.log",   "app.log.1", "app.log.2",
                                       "other.log.gz", "app.logx",    "secret",    "app.log.d",
                                       "link",         "app.log.1/x", "../outside"};
constexpr std::size_t kLogFiles = 2, kKept = 5;
constexpr std::string_view kText = "one\ntwo\nthree\n";

class World {
 public:
  World() : segment_(shm::Segment::open(options_, shm::Segment::Role::kSidecar)) {
    require(consumer::back_journal(segment_) &&
                segment_.back(segment_.journal_payload().data(), shm::kPayloadAllocated),
            "there is memory");
    for (std::size_t i = 0; i < kLogFiles; ++i) log_files_.push_back(path(kNames[i]));
  }

  std::string path(std::string_view name) const { return folder_.path() + "/logs/" + std::string(name); }
  shm::Segment& segment() { return segment_; }
  shm::JournalHeader& journal() { return segment_.journal(); }

  void reset(bool shared) {
    require(::chmod(segment_.path().c_str(), shared ? 0660 : 0600) == 0, "its mode is ours");
    namespace fs = std::filesystem;
    fs::remove_all(folder_.path() + "/logs");
    fs::create_directories(path("app.log.d"));
    for (const std::string_view name : kNames)
      if (!fs::exists(path(name)) && name.find('/') == std::string_view::npos && name != "link")
        std::ofstream(path(name)) << kText;
    std::ofstream(path("../outside")) << kText;
    fs::create_symlink(path("secret"), path("link"));
    std::memset(static_cast<void*>(&segment_.journal()), 0, sizeof(shm::JournalHeader));
    std::memset(segment_.journal_payload().data(), 'x', shm::kPayloadAllocated);
    for (std::uint32_t i = 0; i < kLanes; ++i) {
      ProducerLine& line = segment_.producer_line(i);
      line.word.store(pack({LaneState::kOpen, i, 1}));
      line.committed.store(kCommitted);
      line.records.store(kRecords);
      shm::ConsumerLine& reader = segment_.consumer_line(i);
      reader.read.store(kRead);
      reader.passed.store(0);
      for (std::size_t s = 0; s < kSeverities; ++s) {
        line.dropped[s].store(kDropped);
        reader.reported[s].store(0);
      }
    }
  }

  /// Nobody else's file is another one; of a bus that others may write, no log file is lost.
  void check(bool shared) {
    std::map<std::string, int> whole;  // by name without what a rotation appends
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path() + "/logs")) {
      const std::string name = entry.path().filename().string();
      const auto known = std::find(std::begin(kNames), std::end(kNames), name);
      const bool foreign = known - std::begin(kNames) >= std::ptrdiff_t{kKept} && known != std::end(kNames);
      if (foreign) {
        if (!entry.is_directory()) require(text_of(name) == kText, "files of others are as they were");
        ++whole["others"];
        continue;
      }
      const bool app = name.starts_with("app.log");
      require(app || name.starts_with("other.log"), "no file has another name");
      whole[app ? "app" : "other"] += text_of(name).starts_with(kText) ? 1 : 0;
    }
    require(whole["others"] == 4 && text_of("../outside") == kText, "files of others are there");
    require(!shared || (whole["app"] >= 3 && whole["other"] >= 2), "no log file is lost");
    for (std::uint32_t i = 0; i < kLanes; ++i) {
      const shm::ConsumerLine& reader = segment_.consumer_line(i);
      require(reader.read.load() >= kRead && reader.read.load() <= kCommitted, "a position of the lane");
      require(reader.passed.load() <= kRecords, "a count of its records");
      for (const auto& reported : reader.reported) require(reported.load() <= kDropped, "a count of drops");
      require(segment_.producer_line(i).committed.load() == kCommitted, "the writer's words are its own");
    }
  }

  consumer::Recovery recover() { return consumer::recover_journal(segment_, log_files_); }

 private:
  std::string text_of(std::string_view name) const {
    std::ostringstream text;
    text << std::ifstream(path(name)).rdbuf();
    return text.str();
  }

  testing::TempDir folder_;
  testing::TempDir directory_;
  shm::BusOptions options_ = testing::small_bus(directory_, kLanes);
  shm::Segment segment_;
  std::vector<std::string> log_files_;
};

/// Of a trusted journal only paths that are ours to lose.
std::string some_path(World& world, Input& input, bool shared) {
  const std::size_t which = input.below(shared ? std::size(kNames) + 1 : kKept);
  if (which < std::size(kNames)) return world.path(kNames[which]);
  return world.path(kNames[input.below(kLogFiles)]) + input.text();
}

std::uint64_t odd_number(Input& input, std::uint64_t near) {
  constexpr std::uint64_t kSome[] = {0,
                                     1,
                                     kText.size(),
                                     shm::kRotationBegin,
                                     shm::kPayloadAllocated,
                                     std::uint64_t{16} << 20,
                                     std::uint64_t{1} << 32,
                                     std::uint64_t{1} << 63,
                                     ~std::uint64_t{0}};
  const std::size_t which = input.below(2 * std::size(kSome));
  const auto delta = static_cast<std::int64_t>(input.number<std::int8_t>());
  return (which < std::size(kSome) ? kSome[which] : near) + static_cast<std::uint64_t>(delta);
}

shm::FileId some_file(World& world, Input& input, bool shared) {
  const std::size_t which = input.below(shared ? std::size(kNames) : kKept);
  const auto status = consumer::status_of_name(world.path(kNames[which]));
  shm::FileId id = status ? status->id : shm::FileId{};
  if (!shared) return id;
  if (input.below(8) == 0) id.inode += input.number<std::uint8_t>();
  if (input.below(8) == 0) id.born_ns = 0;
  return id;
}

void add_file(World& world, Input& input, bool shared) {
  shm::JournalFileTable& table = world.journal().tables[0];
  const std::uint32_t i = std::min(table.count, shm::kJournalFiles - 1);
  const std::uint32_t begin = i == 0 ? 0 : table.entries[i - 1].name + table.entries[i - 1].bytes;
  const std::string path = some_path(world, input, shared);
  if (begin + path.size() > sizeof table.names) return;
  std::memcpy(table.names + begin, path.data(), path.size());
  table.entries[i] = {begin, static_cast<std::uint32_t>(path.size())};
  table.count = i + 1;
}

void add_op(World& world, Input& input, bool shared) {
  shm::JournalHeader& journal = world.journal();
  if (journal.ops >= shm::kJournalOps) return;
  const std::uint64_t begin = odd_number(input, 64 * journal.ops);
  const Bytes lines = input.take(input.below(64));
  if (begin < shm::kPayloadLines - lines.size() && !lines.empty())
    std::memcpy(&world.segment().journal_payload()[begin], lines.data(), lines.size());
  const std::uint64_t bytes = input.below(4) == 0 ? odd_number(input, 0) : lines.size();
  journal.op[journal.ops++] = {some_file(world, input, shared),
                               odd_number(input, kText.size()),
                               begin,
                               bytes,
                               static_cast<std::uint32_t>(input.below(4)),
                               0};
}

void add_lane(World& world, Input& input) {
  shm::JournalHeader& journal = world.journal();
  if (journal.lanes >= kLanes) return;
  shm::JournalLane& lane = world.segment().journal_lanes()[journal.lanes++];
  lane.tenant = shm::pack_tenant(static_cast<std::uint32_t>(input.below(kLanes + 1)), input.below(3));
  lane.read = odd_number(input, kCommitted);
  lane.passed = odd_number(input, kRecords);
  for (std::uint64_t& reported : lane.reported) reported = odd_number(input, kDropped);
}

void add_slot(World& world, Input& input) {
  shm::JournalHeader& journal = world.journal();
  if (journal.slots >= shm::kJournalSlots) return;
  journal.slot[journal.slots++] = {odd_number(input, kLanes), odd_number(input, 0),
                                   odd_number(input, kDropped)};
}

void rotate(World& world, Input& input, bool shared) {
  shm::JournalRotation& rotation = world.journal().rotation;
  rotation.renames = static_cast<std::uint32_t>(input.below(5));
  rotation.deletions = static_cast<std::uint32_t>(input.below(3));
  std::string texts;
  for (std::uint32_t i = 0; i < 2 * rotation.renames + rotation.deletions; ++i) {
    const std::string name = some_path(world, input, shared);
    const auto size = static_cast<std::uint32_t>(name.size() + (input.below(32) == 0 ? 1U : 0U));
    texts.append(reinterpret_cast<const char*>(&size), sizeof size).append(name);
  }
  std::memcpy(&world.segment().journal_payload()[shm::kRotationBegin], texts.data(), texts.size());
  rotation.bytes = input.below(16) == 0 ? odd_number(input, texts.size()) : texts.size();
  rotation.source = some_file(world, input, shared);
  rotation.step.store(input.below(2) == 0 ? shm::kBeforeRenames : static_cast<std::uint32_t>(input.below(6)));
}

/// Some bytes anywhere in the header, or among the lanes.
void poke(World& world, Input& input) {
  constexpr std::size_t kBytes = shm::kJournalHeaderBytes + kLanes * sizeof(shm::JournalLane);
  const std::size_t at = input.number<std::uint32_t>() % kBytes;
  const Bytes bytes = input.take(std::min(input.below(32), kBytes - at));
  if (!bytes.empty())
    std::memcpy(reinterpret_cast<std::byte*>(&world.journal()) + at, bytes.data(), bytes.size());
}

}  // namespace
}  // namespace journal

void journal_once(Bytes bytes) {
  using namespace journal;
  static World world;
  Input input(bytes);
  const bool shared = input.below(4) != 0;
  world.reset(shared);
  world.journal().state.store(static_cast<std::uint32_t>(1 + input.below(4) % 3));
  for (int ops = 0; ops < 100 && !input.empty(); ++ops) {
    switch (input.below(8)) {
      case 0:
      case 1:
        add_file(world, input, shared);
        break;
      case 2:
      case 3:
        add_op(world, input, shared);
        break;
      case 4:
        add_lane(world, input);
        break;
      case 5:
        add_slot(world, input);
        break;
      case 6:
        rotate(world, input, shared);
        break;
      default:
        if (shared) poke(world, input);
        break;
    }
  }
  world.recover();
  require(world.journal().state.load() == 0, "it is over with");
  world.check(shared);
  require(world.recover().notes.empty(), "there is nothing left to do");
}

}  // namespace logbus::fuzz
