// SPDX-License-Identifier: MIT
// The time-ordered merge and its watermark (FORMAT.md, "Order").
#include "merge.h"

#include <algorithm>
#include <functional>
#include <limits>

#include <logbus/detail/clock.h>

namespace logbus::consumer {

using namespace detail;

namespace {
/// How far behind the clock the merge stays where no barrier tells what is still to come.
constexpr double kUnfencedHoldNs = 2e6;
/// A lane that has dropped and then been quiet this long will not tell it by a gap frame soon.
constexpr std::uint64_t kQuietNs = 1'000'000'000;
/// A lane whose owner breaks it as soon as it is whole again is told of this often.
constexpr std::uint64_t kTellAgainNs = 60'000'000'000;
}  // namespace

LaneMerge::LaneMerge(const shm::Segment& segment, shm::Caretaker& caretaker)
    : segment_(segment),
      caretaker_(caretaker),
      doorbell_(segment),
      overwrites_(segment.overwrites()),
      committed_(segment.lanes()),
      bound_(segment.lanes()),
      lanes_(segment.lanes()),
      ticks_per_ns_(static_cast<double>(segment.preamble().ticks_per_second_guess) / 1e9) {
  for (std::uint32_t i = 0; i < segment.lanes(); ++i) {
    const shm::ConsumerLine& reader = segment.consumer_line(i);
    Lane& lane = lanes_[i];
    lane.view.data = segment.lane_data(i);
    lane.view.size = segment.lane_size();
    lane.view.block = overwrites_ ? block_bytes(segment.lane_size()) : 0;
    lane.passed = reader.passed.load(std::memory_order_relaxed);
    committed_[i] = lane.cursor = lane.given =
        reader.read.load(std::memory_order_relaxed);  // our predecessor's
    for (std::size_t s = 0; s < kSeverities; ++s)
      lane.reported[s] = reader.reported[s].load(std::memory_order_relaxed);
  }
  newest_before_ = segment.consumer().newest_ticks.load(std::memory_order_relaxed);
  // A stamp of the future is none. The clock of another boot says nothing of them.
  if (segment.of_this_boot())
    newest_before_ = std::min(newest_before_, read_ticks(segment.preamble().clock_source));
  last_ticks_ = newest_before_;
}

bool LaneMerge::writer_is_gone(std::uint32_t index) const noexcept {
  const LaneWord word = unpack_lane(segment_.producer_line(index).word.load(std::memory_order_acquire));
  return word.state != LaneState::kOpen || word.slot >= segment_.slots() || caretaker_.is_dead(word.slot);
}

void LaneMerge::pass(bool everything) {
  end_run();
  const std::uint64_t now = read_ticks(segment_.preamble().clock_source);
  // A writer that is seen in another phase than "stamping" after this barrier will stamp later than `now`.
  const bool passed = doorbell_.barrier();
  doorbell_.wake_blocked();
  std::uint64_t low = now;
  bool pressure = caretaker_.memory_is_short();
  for (std::uint32_t i = 0; i < segment_.lanes(); ++i) {
    const shm::ProducerLine& line = segment_.producer_line(i);
#ifdef LOGBUS_MUTANT_COMMITTED_BEFORE_BUSY
    const std::uint64_t committed = line.committed.load(std::memory_order_acquire);
    for (int n = 0; n < 20; ++n) (void)clock_ns(CLOCK_MONOTONIC);  // a few cache misses
    const std::uint32_t busy = line.busy.load(std::memory_order_acquire);
#else
    // `busy` first: were it read after `committed`, a record stamped and committed between the two would be
    // missed while the bound moves past it.
    const std::uint32_t busy = line.busy.load(std::memory_order_acquire);
    const std::uint64_t committed = line.committed.load(std::memory_order_acquire);
#endif
    if (committed != committed_[i]) pressure |= refresh(i, committed);
    if ((busy & kBusyPhaseMask) != kBusyStamping || writer_is_gone(i)) bound_[i] = now;
    low = std::min(low, bound_[i]);
  }
  std::erase_if(corrupt_, [this](std::uint32_t i) { return try_leave_quarantine(i); });
  if (segment_.of_this_boot()) catch_anomalies(now);
  const auto hold_ns = static_cast<double>(segment_.consumer().max_hold_ns.load(std::memory_order_relaxed));
  const auto behind = [&](double ns) {
    return now - std::min(now, static_cast<std::uint64_t>(ns * ticks_per_ns_));
  };
  if (everything)
    watermark_ = std::numeric_limits<std::uint64_t>::max();
  else if (!passed)
    watermark_ = behind(kUnfencedHoldNs);
  else
    watermark_ = pressure ? now : std::max(low, behind(hold_ns));
  holding_ = false;
}

/// New frames. True: the lane is more than half full.
bool LaneMerge::refresh(std::uint32_t index, std::uint64_t committed) {
  Lane& lane = lanes_[index];
  committed_[index] = committed;
  if (lane.corrupt) return false;
  const shm::ProducerLine& line = segment_.producer_line(index);
  // Positions never go back, and nobody writes to a lane that he has not claimed: then somebody has written
  // over these words, and unless they are put right the lane would never be let again.
  if (committed < lane.cursor ||
      (!overwrites_ && committed != lane.cursor &&
       unpack_lane(line.word.load(std::memory_order_relaxed)).state == LaneState::kFree)) {
    quarantine(index);
    return false;
  }
  lane.view.committed = committed;
  // Relaxed, after the acquire of `committed`: the origins of all laps up to there are visible. A later lap's
  // can only replace one that has been read.
  lane.view.origin = {line.origin[0].load(std::memory_order_relaxed),
                      line.origin[1].load(std::memory_order_relaxed)};
  lane.changed_ns = clock_ns(CLOCK_MONOTONIC);
  if (!lane.has_head && parse_head(index, lane)) queue_head(index);
  return committed - lane.given > lane.view.size / 2;
}

inline bool LaneMerge::parse_head(std::uint32_t index, Lane& lane) {
  lane.has_head = false;
  if (lane.corrupt) return false;
  const shm::Parse result =
      overwrites_ ? parse_ring(index) : shm::parse_frame(lane.view, lane.cursor, lane.head);
  lane.has_head = result == shm::Parse::kFrame;
  lane.head_is_old = false;
  if (result == shm::Parse::kCorrupt) quarantine(index);
  if (lane.has_head) lane.cursor += lane.head.size;
  return lane.has_head;
}

void LaneMerge::queue_head(std::uint32_t index) {
  heap_.push_back({lanes_[index].head.ticks, index});
  std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
}

// A thread's records come in bursts: until the head of another lane, or the watermark, is older than this
// lane's, no heap is needed.
bool LaneMerge::start_run() {
  end_run();
  if (heap_.empty()) return false;
  if (heap_.front().ticks >= watermark_) {
    holding_ = true;
    return false;
  }
  run_ = heap_.front().lane;
  std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
  heap_.pop_back();
  run_end_ = {watermark_, 0};
  if (!heap_.empty()) run_end_ = std::min(run_end_, heap_.front());
  return true;
}

void LaneMerge::end_run() {
  if (run_ != kNoLane) queue_head(std::exchange(run_, kNoLane));
}

bool LaneMerge::next(shm::Frame& frame, std::uint32_t& index) {
  do {
    const bool runs = run_ != kNoLane && HeapEntry{lanes_[run_].head.ticks, run_} < run_end_;
    if (!runs && !start_run()) return false;
  } while (overwrites_ && skip_overwritten_head());
  const std::uint32_t at = last_lane_ = index = run_;
  Lane& lane = lanes_[at];
  frame = lane.head;
  const std::uint64_t ticks = lane.head.ticks;
  before_last_ = lane.given;
  if (overwrites_) count_passed(lane);
  lane.given = lane.cursor;
  if (!lane.touched) touch(at);
  newest_before_ = std::max(newest_before_, last_ticks_);
  last_ticks_ = ticks;
  if (!parse_head(at, lane)) run_ = kNoLane;
  return true;
}

/// A stamp that is still in the future one pass after its frame was committed is no time: such a frame goes
/// now.
void LaneMerge::catch_anomalies(std::uint64_t now) {
  bool changed = false;
  for (HeapEntry& entry : heap_) {
    Lane& lane = lanes_[entry.lane];
    if (lane.head_is_old && entry.ticks > now) {
      entry.ticks = lane.head.ticks = now - 1;
      segment_.consumer().clock_anomalies.fetch_add(1, std::memory_order_relaxed);
      changed = true;
    }
    lane.head_is_old = true;
  }
  if (changed) std::make_heap(heap_.begin(), heap_.end(), std::greater<>());
}

void LaneMerge::touch(std::uint32_t index) {
  if (std::exchange(lanes_[index].touched, true)) return;
  touched_.push_back(index);
}

void LaneMerge::collect(bool with_last, std::vector<Position>& positions) const {
  positions.clear();
  for (const std::uint32_t index : touched_) {
    const Lane& lane = lanes_[index];
    const shm::ConsumerLine& reader = segment_.consumer_line(index);
    const std::uint64_t read = handled(index, with_last);
    bool told = reader.passed.load(std::memory_order_relaxed) != passed(index, with_last);
    for (std::size_t s = 0; s < kSeverities; ++s)
      told |= reader.reported[s].load(std::memory_order_relaxed) != lane.reported[s];
    if (!told && reader.read.load(std::memory_order_relaxed) == read) continue;
    // Relaxed: as long as there are unread frames, nobody changes the tenancy.
    const LaneWord word = unpack_lane(segment_.producer_line(index).word.load(std::memory_order_relaxed));
    positions.push_back({index, word.tenancy, read, passed(index, with_last), &lane.reported});
  }
}

void LaneMerge::commit(bool with_last) noexcept {
  const bool any = !touched_.empty();
  for (const std::uint32_t index : touched_) {
    Lane& lane = lanes_[index];
    lane.touched = false;
    shm::ConsumerLine& reader = segment_.consumer_line(index);
    for (std::size_t s = 0; s < kSeverities; ++s)
      reader.reported[s].store(lane.reported[s], std::memory_order_relaxed);
    if (overwrites_) reader.passed.store(passed(index, with_last), std::memory_order_relaxed);
    // Release: pairs with the writer's acquire; all reading of these bytes is over, they may be overwritten.
    // It also carries reported[] to those who free the lane.
    reader.read.store(handled(index, with_last), std::memory_order_release);
  }
  touched_.clear();
  // Behind the positions: in front of them, a kill between the two would make late what comes again.
  if (any) segment_.consumer().newest_ticks.store(newest_ticks(with_last), std::memory_order_relaxed);
  if (!with_last && last_lane_ != kNoLane) touch(last_lane_);
  doorbell_.wake_blocked();
}

void LaneMerge::report(std::uint32_t lane, const std::uint64_t (&dropped)[kSeverities]) {
  std::uint64_t(&reported)[kSeverities] = lanes_[lane].reported;
  for (std::size_t s = 0; s < kSeverities; ++s) reported[s] = std::max(reported[s], dropped[s]);
  touch(lane);
}

bool LaneMerge::anything_new() const noexcept {
  for (std::uint32_t i = 0; i < segment_.lanes(); ++i)
    if (segment_.producer_line(i).committed.load(std::memory_order_acquire) != committed_[i]) return true;
  return false;
}

std::vector<std::uint32_t> LaneMerge::lanes_with_untold_drops() {
  std::vector<std::uint32_t> found;
  const std::uint64_t now = clock_ns(CLOCK_MONOTONIC);
  for (std::uint32_t i = 0; i < segment_.lanes(); ++i) {
    const shm::ProducerLine& line = segment_.producer_line(i);
    const Lane& lane = lanes_[i];
    bool untold = false;
    for (std::size_t s = 0; s < kSeverities; ++s)
      untold |= line.dropped[s].load(std::memory_order_acquire) != lane.reported[s];
    untold |= untold_losses(i) != 0;
    // `committed` after `dropped`: has it moved, a gap frame may be among the new frames and tells it.
    const bool drained = line.committed.load(std::memory_order_acquire) == lane.given;
    if (!untold || !drained || !(writer_is_gone(i) || now - lane.changed_ns > kQuietNs)) continue;
    found.push_back(i);
    touch(i);
  }
  return found;
}

/// The next frame of a ring, whose writer does not wait for us: what was read holds only if the floor is
/// still below it afterwards. Skips what is no record and says nothing.
shm::Parse LaneMerge::parse_ring(std::uint32_t index) {
  Lane& lane = lanes_[index];
  const shm::ProducerLine& line = segment_.producer_line(index);
  for (;;) {
    // Acquire: what was committed before the floor was raised is seen, and that reaches up to it.
    const std::uint64_t floor = line.floor.load(std::memory_order_acquire);
    if (lane.cursor < floor) {
      if (floor > line.committed.load(std::memory_order_acquire)) return shm::Parse::kCorrupt;
      lane.cursor = floor;
    }
    const bool at_end = lane.cursor >= lane.view.committed;
    const shm::Parse result = at_end ? shm::Parse::kEnd : shm::parse_frame(lane.view, lane.cursor, lane.head);
    const bool is_block = result == shm::Parse::kFrame && lane.head.kind() == FrameKind::kBlock;
    const std::uint64_t records = is_block ? shm::records_before(lane.head) : 0;
#ifndef LOGBUS_MUTANT_NO_FLOOR_CHECK
    if (is_below_floor(index, lane.cursor)) continue;
#endif
    if (at_end && lane.given < lane.cursor) {
      lane.given = lane.cursor;  // nothing to give up to there
      touch(index);
    }
    if (result != shm::Parse::kFrame) return result;
    lane.block_records = records;
    if (lane.head.kind() != FrameKind::kPad && !(is_block && records <= lane.passed)) return result;
    lane.cursor += lane.head.size;
  }
}

/// The run's head, if it was overwritten while it waited: its lane goes on from where there is something, at
/// another time.
bool LaneMerge::skip_overwritten_head() {
  if (!is_below_floor(run_, lanes_[run_].head.position)) return false;
  lanes_[run_].cursor = lanes_[run_].head.position;
  if (!parse_head(run_, lanes_[run_])) run_ = kNoLane;
  end_run();
  return true;
}

bool LaneMerge::is_below_floor(std::uint32_t index, std::uint64_t position) const noexcept {
  // Pairs with the writer's fence between its store of the floor and its first byte: if a byte of that was
  // read before the fence, the floor is seen behind it.
  std::atomic_thread_fence(std::memory_order_acquire);
  return segment_.producer_line(index).floor.load(std::memory_order_relaxed) > position;
}

void LaneMerge::count_passed(Lane& lane) noexcept {
  before_last_passed_ = lane.passed;
  const FrameKind kind = lane.head.kind();
  if (kind == FrameKind::kBlock) {
    lost_ = lane.block_records - std::min(lane.block_records, lane.passed);
    lane.passed += lost_;
  } else if (kind == FrameKind::kRecord || kind == FrameKind::kInline) {
    ++lane.passed;
  }
}

bool LaneMerge::was_overwritten(const shm::Frame& frame, std::uint32_t index) noexcept {
#ifdef LOGBUS_MUTANT_NO_FLOOR_CHECK
  return false;
#endif
  // A block's count was checked when it was parsed.
  if (frame.kind() == FrameKind::kBlock || !is_below_floor(index, frame.position)) return false;
  lost_ = frame.kind() == FrameKind::kRecord || frame.kind() == FrameKind::kInline ? 1 : 0;
  return true;
}

/// Overwritten, and nobody writes here any more who would say so.
std::uint64_t LaneMerge::untold_losses(std::uint32_t index) const noexcept {
  const Lane& lane = lanes_[index];
  if (!overwrites_ || lane.has_head) return 0;
  const shm::ProducerLine& line = segment_.producer_line(index);
  const std::uint64_t word = line.word.load(std::memory_order_acquire);
  if (!writer_is_gone(index) || line.committed.load(std::memory_order_acquire) != lane.given) return 0;
  const std::uint64_t records = line.records.load(std::memory_order_acquire);
  // Let in the meantime: some of these may be the new tenant's.
  if (line.word.load(std::memory_order_relaxed) != word) return 0;
  return records - std::min(records, lane.passed);
}

void LaneMerge::quarantine(std::uint32_t index) {
  Lane& lane = lanes_[index];
  lane.corrupt = true;
  segment_.consumer_line(index).quarantined.store(1 + lane.cursor, std::memory_order_relaxed);
  segment_.consumer().quarantined_lanes.fetch_add(1, std::memory_order_relaxed);
  corrupt_.push_back(index);
  const std::uint64_t now = clock_ns(CLOCK_MONOTONIC);
  if (lane.told_ns != 0 && now - lane.told_ns < kTellAgainNs) return;
  lane.told_ns = now;
  quarantined_.push_back({index, lane.cursor});
}

/// Its writer is gone: what can't be read is skipped, and the lane can be let again.
bool LaneMerge::try_leave_quarantine(std::uint32_t index) {
  Lane& lane = lanes_[index];
  // A frame that was whole is still to be given.
  if (lane.has_head || !writer_is_gone(index) || !caretaker_.take_over(index, lane.cursor)) return false;
  lane.corrupt = false;
  lane.given = committed_[index] = lane.cursor;
  segment_.consumer_line(index).quarantined.store(0, std::memory_order_relaxed);
  touch(index);
  return true;
}

}  // namespace logbus::consumer
