// SPDX-License-Identifier: MIT
// A bus of four lanes. The input pokes at the words and bytes of three of them and appends frames, whole ones
// and others; the fourth is a good worker's, whose records must all come out once, whatever the others do.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <vector>

#include <logbus/error.h>
#include "drain.h"
#include "once.h"
#include "support/shm_bus.h"
#include "tools/bus_statistics.h"
#include "tools/dump.h"
#include "tools/stat.h"

namespace logbus::fuzz {
namespace {

using namespace detail;
using namespace std::chrono_literals;

constexpr std::uint32_t kLanes = 4;
constexpr std::uint32_t kGood = 3;
constexpr std::size_t kGoodRecords = 3;
constexpr std::uint64_t kFirst = 1000 * 8;  // positions do not begin at zero

class World {
 public:
  World() : options_(testing::small_bus(directory_, kLanes)) {
    options_.memory = 8 << 20;
    { const shm::Segment made = shm::Segment::open(options_, shm::Segment::Role::kSidecar); }
    const base::UniqueFd fd(::open(shm::bus_path(options_).c_str(), O_RDWR | O_CLOEXEC));
    require(static_cast<bool>(fd), "the bus is there");
    require(::pread(fd.get(), &preamble, sizeof preamble, 0) == sizeof preamble, "a preamble");
    void* at = ::mmap(nullptr, preamble.file_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    require(at != MAP_FAILED, "the bus is mapped");
    base = static_cast<std::byte*>(at);
    save(0, preamble.journal.offset);
    save(preamble.shared_control.offset, preamble.data.offset);
    null_ = std::fopen("/dev/null", "w");
  }

  void reset() {
    for (const auto& [offset, bytes] : saved_) std::memcpy(base + offset, bytes.data(), bytes.size());
    for (std::uint32_t i = 0; i < kLanes; ++i) {
      consumer_line(i).read.store(kFirst);
      ProducerLine& line = producer_line(i);
      line.committed.store(kFirst);
      line.origin[0].store(kFirst);
      line.word.store(pack({LaneState::kOpen, i, 1}));
      slot(i).word.store(pack_slot(SlotState::kLive, 1));
      position[i] = kFirst;
      std::memset(lane(i), 0, 4096);
    }
    for (std::uint64_t n = 0; n < kGoodRecords; ++n)
      frame(kGood, frame_tag(FrameKind::kInline), 1000 + n, kGoodRecord);
  }

  /// A whole frame where the lane's next one belongs.
  void frame(std::uint32_t at, std::uint32_t tag, std::uint64_t ticks, Bytes payload) {
    const std::uint64_t offset = position[at] - kFirst;
    const std::uint64_t size = (sizeof(FrameHeader) + payload.size() + 7) & ~std::uint64_t{7};
    if (offset + size > preamble.lane_size) return;
    const FrameHeader header{static_cast<std::uint32_t>(size), tag, ticks};
    std::memcpy(lane(at) + offset, &header, sizeof header);
    if (!payload.empty()) std::memcpy(lane(at) + offset + sizeof header, payload.data(), payload.size());
    position[at] += size;
    producer_line(at).committed.store(position[at]);
  }

  std::byte* lane(std::uint32_t i) const { return base + preamble.data.offset + i * preamble.lane_size; }
  ProducerLine& producer_line(std::uint32_t i) const {
    return table<ProducerLine>(preamble.producer_lines)[i];
  }
  ConsumerLine& consumer_line(std::uint32_t i) const {
    return table<ConsumerLine>(preamble.consumer_lines)[i];
  }
  ProcessSlot& slot(std::uint32_t i) const { return table<ProcessSlot>(preamble.slots_region)[i]; }
  template <class T>
  T* table(const Region& region) const {
    return reinterpret_cast<T*>(base + region.offset);
  }
  const shm::BusOptions& options() const { return options_; }
  std::FILE* null() const { return null_; }

  Preamble preamble = {};
  std::byte* base = nullptr;
  std::uint64_t position[kLanes] = {};

 private:
  void save(std::uint64_t begin, std::uint64_t end) {
    saved_.emplace_back(begin, std::vector(base + begin, base + end));
  }

  static inline const Bytes kGoodRecord = std::as_bytes(std::span("\x82\xa4name\xa4good\xa3msg\xa4good", 20));
  testing::TempDir directory_;
  shm::BusOptions options_;
  std::vector<std::pair<std::uint64_t, std::vector<std::byte>>> saved_;
  std::FILE* null_;
};

std::uint64_t odd_number(Input& input, std::uint64_t near) {
  constexpr std::uint64_t kSome[] = {
      0, 16, 24, 1 << 16, 1 << 17, std::uint64_t{1} << 32, std::uint64_t{1} << 63, ~std::uint64_t{0}};
  const std::size_t which = input.below(std::size(kSome) + 4);
  const std::uint64_t delta =
      static_cast<std::uint64_t>(static_cast<std::int64_t>(input.number<std::int8_t>()));
  if (which == std::size(kSome)) return input.number<std::uint64_t>();
  return (which < std::size(kSome) ? kSome[which] : near) + delta * (which % 2 == 0 ? 8 : 1);
}

void poke_line(World& world, Input& input) {
  const auto at = static_cast<std::uint32_t>(input.below(kGood));
  ProducerLine& line = world.producer_line(at);
  Word64* const words[] = {&line.committed,  &line.origin[0],     &line.origin[1],       &line.word,
                           &line.dropped[0], &line.dropped[4],    &line.gap_first_ticks, &line.gap_last_ticks,
                           &line.records,    &line.records_before};
  Word64& word = *words[input.below(std::size(words))];
  word.store(odd_number(input, world.position[at]));
}

/// Some bytes of a table, of one of the three.
void poke_table(World& world, Input& input) {
  const Region* const tables[] = {&world.preamble.slots_region, &world.preamble.producer_lines,
                                  &world.preamble.step_table};
  const Region& table = *tables[input.below(std::size(tables))];
  const std::uint64_t offset = input.number<std::uint16_t>() % (table.stride * kGood);
  const Bytes bytes = input.take(std::min<std::uint64_t>(input.below(64), table.stride * kGood - offset));
  if (!bytes.empty()) std::memcpy(world.base + table.offset + offset, bytes.data(), bytes.size());
}

void poke_shared(World& world, Input& input) {
  const Preamble& p = world.preamble;
  const Region* const tables[] = {&p.shared_control, &p.site_table, &p.site_arena};
  const Region& table = *tables[input.below(std::size(tables))];
  const std::uint64_t offset = input.number<std::uint16_t>() % table.size;
  const Bytes bytes = input.take(std::min<std::uint64_t>(input.below(64), table.size - offset));
  if (!bytes.empty()) std::memcpy(world.base + table.offset + offset, bytes.data(), bytes.size());
}

void poke_data(World& world, Input& input) {
  const auto at = static_cast<std::uint32_t>(input.below(kGood));
  const std::uint64_t offset = input.number<std::uint16_t>() % 4096;
  const Bytes bytes = input.take(input.below(64));
  if (!bytes.empty()) std::memcpy(world.lane(at) + offset, bytes.data(), bytes.size());
}

void add_frame(World& world, Input& input) {
  const auto at = static_cast<std::uint32_t>(input.below(kGood));
  const std::uint32_t tag =
      frame_tag(static_cast<FrameKind>(input.below(6)), static_cast<std::uint32_t>(input.below(64))) |
      (input.below(2) == 0 ? 0 : kTagTruncated);
  const std::uint64_t ticks = odd_number(input, read_ticks(world.preamble.clock_source));
  world.frame(at, tag, ticks, input.take(input.number<std::uint8_t>()));
}

void add_site(World& world, Input& input) {
  const Bytes content = input.take(input.number<std::uint8_t>());
  const shm::Segment segment = shm::Segment::open_existing(world.options(), shm::Segment::Role::kWorker);
  (void)shm::SiteTable(segment).intern(content, content.size());
}

/// The drain, as logbusd has it. Gives how many records of the good worker came.
std::size_t drain(World& world) {
  // By its file: one that is marked as left would be moved aside, and drained behind its successor.
  consumer::BusQueue queue(
      shm::Segment::open_file(shm::bus_path(world.options()), world.options(), shm::Segment::Role::kSidecar),
      world.options(), {});
  LogRecord record;
  std::size_t good = 0;
  std::size_t all = 0;
  // Not more than the bytes of the lanes can hold, and what is said about them.
  constexpr std::size_t kMost = 100'000;
  const auto take = [&] {
    while (queue.get(record, 0ms)) {
      require(++all < kMost, "the drain comes to an end");
      good += record.name == "good" && record.msg == Value("good") ? 1U : 0U;
    }
    queue.task_done();
  };
  for (int passes = 0; passes < 3; ++passes) take();
  queue.begin_stop();
  take();
  return good;
}

void look(World& world) {
  for (const bool json : {false, true}) {
    try {
      shm::Snapshot snapshot = shm::Snapshot::of_bus(world.options());
      tools::DumpOptions options;
      options.json = json;
      options.site = true;
      tools::dump(snapshot, options, world.null());
      const tools::BusStatistics statistics = tools::collect_statistics(snapshot);
      const std::string text =
          json ? tools::stat_json(snapshot, statistics, true) : tools::stat_text(snapshot, statistics, true);
      require(text.find('\x1b') == std::string::npos && text.find("\xc2\x9b") == std::string::npos,
              "no control character");
    } catch (const Error&) {
      // Refused: a preamble that makes no sense.
    }
  }
}

}  // namespace

void segment_once(Bytes bytes) {
  static World world;
  world.reset();
  Input input(bytes);
  const bool preamble_too = input.number<std::uint8_t>() == 0xFF;
  for (int ops = 0; ops < 200 && !input.empty(); ++ops) {
    switch (input.below(8)) {
      case 0:
        poke_line(world, input);
        break;
      case 1:
        poke_table(world, input);
        break;
      case 2:
        poke_data(world, input);
        break;
      case 3:
        poke_shared(world, input);
        break;
      case 4:
        add_site(world, input);
        break;
      default:
        add_frame(world, input);
        break;
    }
  }
  if (preamble_too) {
    // Whatever passes the checks describes this very file.
    const std::uint64_t offset = input.number<std::uint16_t>() % sizeof(Preamble);
    const Bytes poke = input.take(sizeof(Preamble) - offset);
    if (!poke.empty()) std::memcpy(world.base + offset, poke.data(), poke.size());
    look(world);
    try {
      (void)shm::Segment::open_existing(world.options(), shm::Segment::Role::kWorker);
    } catch (const Error&) {
    }
    return;
  }
  look(world);
  require(drain(world) == kGoodRecords, "a good worker's records come once, whatever others write");
  look(world);
}

}  // namespace logbus::fuzz
