// SPDX-License-Identifier: MIT
// A lane's memory: laps, steps, and what must hold in every order.
//
// Of a long lane's bytes only a few have a place in the world: the first of every 8 KiB. There frames begin,
// which are multiples of that, and so do steps; of a payload the words behind the header and at a step's
// begin are written.
#include "lane_stage.h"

#include <chrono>
#include <memory>

#include "kernel.h"
#include "merge.h"
#include "shm/caretaker.h"
#include "shm/lane_owner.h"

// Nobody attaches: there is a process's place, and that is all.
namespace logbus::shm {

Attachment::Attachment(Segment segment, std::string_view) : segment_(std::move(segment)) {}
Attachment::~Attachment() = default;
std::unique_ptr<Attachment> Attachment::attach(const BusOptions&, std::string_view name) {
  return std::unique_ptr<Attachment>(new Attachment(Segment(), name));
}

}  // namespace logbus::shm

namespace logbus::model {
namespace {

using namespace detail;

constexpr std::uint64_t kMostBytes = 128 << 10;
constexpr std::uint64_t kPiece = kFirstStepBytes;
constexpr std::uint32_t kSmallest = LaneWriter::frame_bytes(8);
constexpr std::uint64_t kWindow = 128;  // of each piece
constexpr int kWarning = 30;
constexpr unsigned kMostWords = 1 + shm::kModelSteps;

LanePlan plan;
shm::Segment segment;
shm::LaneOwner owner;
std::unique_ptr<shm::Attachment> attachment;
std::unique_ptr<shm::Caretaker> caretaker;
std::unique_ptr<consumer::LaneMerge> merge;
alignas(64) std::byte bytes[kMostBytes];

struct Truth {
  std::uint64_t ends[8];  // positions
  std::uint32_t numbers[8];
  unsigned written, given, round;
  bool has_memory[shm::kModelSteps];
};
Truth truth;

std::uint32_t size_of(unsigned record) {
  return plan.sizes[record] != 0 ? plan.sizes[record] : kSmallest;
}
std::uint64_t word_of(unsigned record, std::uint64_t step) {
  return 0x5EED0000 + record * 256 + step;
}

/// Calls `each` for the words of a frame's payload: the one behind its header, and one in each step that
/// begins in it.
template <class F>
void each_word(std::uint64_t offset, std::uint32_t size, F each) {
  each(offset + sizeof(FrameHeader), std::uint64_t{0});
  for (std::uint32_t step = step_of(offset) + 1; step_begin(step) + 24 <= offset + size; ++step)
    each(step_begin(step) + sizeof(FrameHeader), std::uint64_t{step});
}

void write_records(unsigned first, unsigned count) {
  LaneWriter& writer = owner.writer;
  for (unsigned n = first; n < first + count; ++n) {
    if (!writer.enter()) return fail("a writer is in the middle of a record that it has not begun");
    const bool ready = plan.blocks ? owner.make_room(size_of(n), kWarning, true) == shm::Room::kReady
                                   : owner.try_make_room(size_of(n), kWarning);
    if (!ready) {
      writer.leave();
      if (plan.blocks) return fail("a writer does not wait for room");
      if (plan.overwrites) return fail("a ring has no room");
    } else {
      const std::uint64_t offset = writer.position - writer.newest;
      truth.numbers[truth.written] = n;
      truth.ends[truth.written++] = writer.position + size_of(n);
      (void)writer.begin(size_of(n), frame_tag(FrameKind::kRecord, n + 1));
      each_word(offset, size_of(n), [&](std::uint64_t at, std::uint64_t step) {
        const std::uint64_t word = word_of(n, step);
        std::memcpy(writer.data + at, &word, sizeof word);
      });
      if (writer.commit()) return fail("attention without a reason");
      owner.after_commit();
#ifdef LOGBUS_MUTANT_ORIGIN_AFTER_COMMIT
      Word64(&origin)[2] = writer.line->origin;
      const unsigned oldest = origin[0].load() <= origin[1].load() ? 0 : 1;
      if (origin[1 - oldest].load() != writer.newest)
        origin[oldest].store(writer.newest, std::memory_order_relaxed);
#endif
    }
    if (self() != kEverybody) forget_all_but(&owner, sizeof owner, false);
  }
}

std::uint64_t offset_of(const shm::Frame& frame) {
  return static_cast<std::uint64_t>(frame.payload - bytes) - sizeof(FrameHeader);
}

void copy_words(const shm::Frame& frame, std::uint64_t (&words)[kMostWords]) {
  unsigned i = 0;
  each_word(offset_of(frame), frame.size,
            [&](std::uint64_t at, std::uint64_t) { std::memcpy(&words[i++], bytes + at, sizeof words[0]); });
}

void take_all() {
  shm::Frame frame;
  std::uint32_t lane = 0;
  while (merge->next(frame, lane)) {
    if (frame.kind() == FrameKind::kBlock) {
      truth.given += static_cast<unsigned>(merge->lost());
      continue;
    }
    std::uint64_t words[kMostWords] = {};
    copy_words(frame, words);
    if (merge->is_overwritten(frame, lane)) {
      truth.given += static_cast<unsigned>(merge->lost());
      continue;
    }
    if (truth.given >= truth.written) return fail("a frame that nobody has written");
    const unsigned n = truth.numbers[truth.given];
    if (frame.size != size_of(n) || frame.position + frame.size != truth.ends[truth.given] ||
        frame.tag != frame_tag(FrameKind::kRecord, n + 1))
      return fail("a frame that is not the one that was written");
    bool whole = true;
    unsigned i = 0;
    each_word(offset_of(frame), frame.size,
              [&](std::uint64_t, std::uint64_t step) { whole &= words[i++] == word_of(n, step); });
    if (!whole) return fail("a frame whose bytes have gone before it was read");
    ++truth.given;
  }
  if (segment.consumer_line(0).quarantined.load() != 0) fail("a lane that makes no sense");
}

void read_round() {
  merge->pass(true);
  take_all();
  merge->commit();
  if (plan.trims) {
    monotonic_ns += 2'000'000'000;  // a lane that has not moved since the sweep before is idle
    caretaker->sweep_all();
  }
}

void writer_thread(unsigned) {
  write_records(plan.before, plan.records);
}
void reader_thread(unsigned) {
  while (truth.round < plan.rounds) {
    read_round();
    ++truth.round;
    forget_all_but(merge.get(), sizeof *merge, true);
  }
}

void check_end() {
  if (asleep(0) && owner.try_make_room(kSmallest, kWarning))
    return fail("a writer sleeps where there is room and nobody will wake it");
  merge->pass(true);
  take_all();
  if (truth.given != truth.written) fail("a record is lost");
}

void back(void* at, std::uint64_t) {
  truth.has_memory[step_of(static_cast<std::uint64_t>(static_cast<std::byte*>(at) - bytes))] = true;
}
void punch(std::uint64_t offset, std::uint64_t size) {
  kernel_step();
  for (std::uint64_t at = offset / kPiece * kPiece; at < offset + size; at += kPiece)
    std::memset(bytes + at, 0, std::min(kWindow, plan.lane_size));
  truth.has_memory[step_of(offset)] = false;
}
bool has_memory(const void* at) {
  return truth.has_memory[step_of(static_cast<std::uint64_t>(static_cast<const std::byte*>(at) - bytes))];
}

void set_up() {
  using shm::model_memory;
  using shm::model_tables;
  std::memset(static_cast<void*>(&model_memory), 0, sizeof model_memory);
  std::memset(static_cast<void*>(&model_tables), 0, sizeof model_tables);
  std::memset(bytes, 0, sizeof bytes);
  truth = {};
  monotonic_ns = 1;
  Preamble& preamble = model_tables.preamble;
  preamble.clock_source = ClockSource::kTsc;
  preamble.ticks_per_second_guess = 1'000'000'000;
  preamble.lane_size = plan.lane_size;
  preamble.features = plan.overwrites ? kFeatureOverwrite : 0;
  preamble.steps_per_lane = std::max(1U, steps_for(plan.lane_size));
  shm::model_lane_data[0] = shm::model_lane_data[1] = bytes;
  shm::model_back = back;
  // Stamps are not what this is about: they grow by one, and are never ahead of the reader's clock.
  set_ticks([]() -> std::uint64_t { return self() == 0 ? 0 : 1 << 20; });
  set_punch(punch);
  set_may_flush(has_memory);

  keep(&model_memory, sizeof model_memory);
  keep(&owner, sizeof owner);
  keep(&monotonic_ns, sizeof monotonic_ns);
  keep_and_compare(&truth, sizeof truth);
  allocate_in_world(true);
  caretaker.release();
  merge.release();
  shm::BusOptions options;
  options.memory = 1 << 20;
  options.max_per_process = 1 << 20;
  options.overflow = plan.blocks ? Policy::kBlock : Policy::kDrop;
  options.block_timeout = std::chrono::hours(1);
  caretaker = std::make_unique<shm::Caretaker>(segment, options, "");
  merge = std::make_unique<consumer::LaneMerge>(segment, *caretaker);
  attachment = shm::Attachment::attach(options, "");

  ProducerLine& line = model_memory.producer_lines[0];
  line.word.store(pack({LaneState::kOpen, 0, 1}));
  owner = {};
  owner.attachment = attachment.get();
  owner.steps = {attachment.get(), model_memory.steps[0], bytes, 0, 0};
  owner.tenancy = 1;
  owner.writer.data = bytes;
  owner.writer.line = &line;
  owner.writer.attention = &model_memory.shared.attention;
  owner.writer.clock = ClockSource::kTsc;
  write_records(0, plan.before);
  if (plan.before != 0) read_round();
  allocate_in_world(false);

  constexpr unsigned kWriter = 0;
  constexpr unsigned kReader = 1;
  watch(&line.committed, 8, Kind::kCommitted, kWriter, "committed");
  watch(line.origin, sizeof line.origin, Kind::kWord, kWriter, "origin");
  if (plan.overwrites) watch(&line.floor, 8, Kind::kWord, kWriter, "floor");
  watch(&model_memory.consumer_lines[0].read, 8, Kind::kWord, kReader, "read");
  if (plan.blocks)
    watch(model_memory.blocked, sizeof model_memory.blocked, Kind::kWord, kEverybody, "blocked");
  if (plan.trims) watch(model_memory.steps[0], sizeof model_memory.steps[0], Kind::kWord, kEverybody, "step");
  for (std::uint64_t at = 0; at < plan.lane_size; at += kPiece) {
    const std::uint64_t window = std::min(kWindow, plan.lane_size);
    keep(bytes + at, window);
    watch(bytes + at, window, Kind::kData, kEverybody, "data");
  }
  spawn(writer_thread, "writer", false);
  spawn(reader_thread, "reader", false);
}

}  // namespace

LaneRun run(const LanePlan& wanted, const Settings& settings, bool tell) {
  plan = wanted;
  reset(settings);
  set_up();
  const auto start = std::chrono::steady_clock::now();
  const Result result = explore(check_end, tell);
  return {result, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count()};
}

}  // namespace logbus::model
