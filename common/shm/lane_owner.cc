// SPDX-License-Identifier: MIT
// The slow path of a lane (FORMAT.md, "Laps and steps", "Overflow").
#include "shm/lane_owner.h"

#include <sched.h>
#include <sys/mman.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include <logbus/error.h>
#include "base/kernel.h"
#include "shm/lane_directory.h"

namespace logbus::shm {
namespace {

using namespace detail;

/// A waiting writer looks by itself this often, whatever happens to the reader.
#ifndef LOGBUS_TEST_BLOCK_SLICE_MS
constexpr std::chrono::milliseconds kBlockSlice{100};
#else
constexpr std::chrono::milliseconds kBlockSlice{
    LOGBUS_TEST_BLOCK_SLICE_MS};  // a test of the wakes: not at all by itself
#endif

/// How often a claimer lets others run while the only lane's first step is being given back.
constexpr int kTurnsForPunching = 64;

/// Its first step is being given back.
bool is_punched(const Segment& segment, std::uint32_t lane) noexcept {
  return segment.step_table(lane)->load(std::memory_order_relaxed) ==
         static_cast<std::uint8_t>(StepState::kPunching);
}

std::byte* map_lane(const Segment& segment, std::uint32_t lane, bool& retired) noexcept {
  const base::UniqueFd fd = segment.reopen();
  retired = !fd && !segment.is_current();
  if (!fd) return nullptr;
  // Not readable at first: under mlockall(MCL_FUTURE) mapping it readable would fill all of it with memory.
  void* at = ::mmap(nullptr, segment.lane_size(), PROT_NONE, MAP_SHARED, fd.get(),
                    static_cast<off_t>(segment.lane_file_offset(lane)));
  if (at == MAP_FAILED) return nullptr;
  ::munlock(at, segment.lane_size());
  ::madvise(at, segment.lane_size(), MADV_DONTFORK);
  ::madvise(at, segment.lane_size(), MADV_DONTDUMP);
  if (::mprotect(at, segment.lane_size(), PROT_READ | PROT_WRITE) == 0) return static_cast<std::byte*>(at);
  ::munmap(at, segment.lane_size());
  return nullptr;
}

/// Its workers go, or are about to be told to go, to the one that has the bus's name.
bool has_been_left(const Segment& segment) noexcept {
  return segment.is_retired() || !segment.is_current();
}

bool lease_is_held(const Segment& segment) noexcept {
  const base::UniqueFd fd = segment.reopen();
  return fd && base::is_locked(fd.get(), kLeaseLock, 1);
}

}  // namespace

Claim LaneOwner::claim(Attachment& to, std::uint32_t thread, std::string_view thread_name) noexcept {
  // Lanes that are being punched at this moment last: their first record would find no memory.
  Claim result = try_claim(to, thread, thread_name, false);
  // On a bus of rings nobody is turned away because nobody reads: the oldest records make room. Another may
  // be faster.
  for (int tries = 0; result == Claim::kNoLane && tries < 4 && give_up_oldest_lane(to.segment()); ++tries)
    result = try_claim(to, thread, thread_name, false);
  return result == Claim::kNoLane ? try_claim(to, thread, thread_name, true) : result;
}

Claim LaneOwner::try_claim(Attachment& to, std::uint32_t thread, std::string_view thread_name,
                           bool punched_too) noexcept {
  const Segment& segment = to.segment();
  for (std::uint32_t i = 0; i < segment.lanes(); ++i) {
    if (!punched_too && is_punched(segment, i)) continue;
    // There is no other: its memory is given back in one system call, or by a lease holder that has died.
    for (int turn = 0; punched_too && turn < kTurnsForPunching && is_punched(segment, i); ++turn)
      ::sched_yield();
    ProducerLine& line = segment.producer_line(i);
    std::uint64_t word = line.word.load(std::memory_order_relaxed);
    const LaneWord old = unpack_lane(word);
    if (old.state != LaneState::kFree) continue;
    const std::uint64_t mine = pack({LaneState::kOpen, to.slot_index(), old.tenancy + 1});
    // Owner and claim in one store: a death from here on is cleaned through the slot. Acquire: see the last
    // tenant's.
    if (!line.word.compare_exchange_strong(word, mine, std::memory_order_acq_rel, std::memory_order_relaxed))
      continue;
    // A free lane has been read to its end. If not, somebody has written over these words: the lease holder,
    // who knows where he is in it, puts them right.
    const std::uint64_t read = segment.consumer_line(i).read.load(std::memory_order_acquire);
    if (!segment.overwrites() && line.committed.load(std::memory_order_relaxed) != read) {
      line.word.store(pack({LaneState::kFree, 0, old.tenancy + 2}), std::memory_order_release);
      continue;
    }
    // The first record's memory, at once: held, nobody punches it any more.
    StepWord& first = segment.step_table(i)[0];
    auto state = static_cast<std::uint8_t>(StepState::kBacked);
    const bool held = first.compare_exchange_strong(state, static_cast<std::uint8_t>(StepState::kHeld),
                                                    std::memory_order_acq_rel, std::memory_order_relaxed);
    const bool punched = state == static_cast<std::uint8_t>(StepState::kPunching);
    bool retired = false;
    std::byte* data = punched && !punched_too ? nullptr : map_lane(segment, i, retired);
    if (data == nullptr) {
      if (held) first.store(static_cast<std::uint8_t>(StepState::kBacked), std::memory_order_release);
      line.word.store(pack({LaneState::kFree, 0, old.tenancy + 2}), std::memory_order_release);
      if (punched && !punched_too) continue;
      return retired ? Claim::kRetired : Claim::kNoMemory;
    }
    lane = i;
    tenancy = (old.tenancy + 1) & kTenancyMask;
    writer = {};
    writer.data = data;
    writer.line = &line;
    writer.attention = &segment.shared().attention;
    writer.clock = segment.preamble().clock_source;
    writer.fenced = to.fenced();
    writer.records = line.records.load(std::memory_order_relaxed);
    const std::uint64_t a = line.origin[0].load(std::memory_order_relaxed);
    const std::uint64_t b = line.origin[1].load(std::memory_order_relaxed);
    writer.newest = std::max(a, b);
    older = std::min(a, b);
    // Its last lap fits into it, or somebody has written over these words too: a lap begins here.
    writer.position = segment.overwrites() ? line.committed.load(std::memory_order_relaxed) : read;
    if (segment.overwrites()) {
      start_ring(read);
    } else if (writer.newest > read || read - writer.newest > segment.lane_size()) {
      writer.newest = older = read;
      for (Word64& origin : line.origin) origin.store(read, std::memory_order_relaxed);
    }
    steps = {&to, segment.step_table(i), data, 0, held ? 1U : 0U};
    line.records_before.store(writer.records, std::memory_order_relaxed);
    for (std::size_t k = 0; k < kSeverities; ++k)
      line.dropped_before[k].store(line.dropped[k].load(std::memory_order_relaxed),
                                   std::memory_order_relaxed);
    line.gap_first_ticks.store(0, std::memory_order_relaxed);
    line.busy.store(0, std::memory_order_relaxed);
    line.thread.store(thread, std::memory_order_relaxed);
    set_thread_name(thread_name);
    to.slot().memory_bytes.fetch_add(lane_memory(segment, i), std::memory_order_relaxed);
    SigbusGuard::guard_lane(data, segment.lane_size(), &segment.shared().attention);
    // Last: a signal handler that sees a lane may write to it.
    std::atomic_signal_fence(std::memory_order_seq_cst);
    attachment = &to;
    return Claim::kOk;
  }
  return Claim::kNoLane;
}

void LaneOwner::close() noexcept {
  const Segment& segment = attachment->segment();
  ProducerLine& line = *writer.line;
  // A signal handler that comes from here on finds a record being written, and then no lane.
  writer.nested = 1;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  steps.release_all();
  SigbusGuard::guard_lane(nullptr, 0, nullptr);
  ::munmap(writer.data, segment.lane_size());
  // Relaxed: published by the word.
  line.closed_ticks.store(read_ticks(writer.clock), std::memory_order_relaxed);
  std::uint64_t word = pack({LaneState::kOpen, attachment->slot_index(), tenancy});
  const std::uint64_t closed = pack({LaneState::kClosed, attachment->slot_index(), tenancy});
  // Release: the reader that sees CLOSED sees the last frame and the last drop.
  line.word.compare_exchange_strong(word, closed, std::memory_order_release, std::memory_order_relaxed);
  attachment = nullptr;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  *this = {};
}

void LaneOwner::set_thread_name(std::string_view name) noexcept {
  ProducerLine& line = *writer.line;
  const std::uint32_t next = 1 - (line.name_index.load(std::memory_order_relaxed) & 1);
  constexpr std::size_t kCapacity = sizeof line.thread_name[0];
  const std::size_t n = std::min(name.size(), kCapacity - 1);
  std::memcpy(line.thread_name[next], name.data(), n);
  std::memset(line.thread_name[next] + n, 0, kCapacity - n);
  line.name_index.store(next, std::memory_order_release);  // the name is whole before the index leads to it
}

std::uint32_t LaneOwner::max_frame() const noexcept {
  return attachment->segment().max_frame();
}

void LaneOwner::count_drop(int levelno, DropReason reason) noexcept {
  ProducerLine& line = *writer.line;
#ifdef LOGBUS_MUTANT_DROP_UNCOUNTED_AT_LAP
  const Word64& read = attachment->segment().consumer_line(lane).read;
  if (reason == DropReason::kLaneFull && read.load(std::memory_order_relaxed) < writer.newest) return;
#endif
#ifdef LOGBUS_MUTANT_DROP_COUNTED_TWICE
  if (line.gap_first_ticks.load(std::memory_order_relaxed) == 0)
    line.dropped[severity_of(levelno)].fetch_add(1, std::memory_order_release);
#endif
  const std::uint64_t now = read_ticks(writer.clock);
  if (line.gap_first_ticks.load(std::memory_order_relaxed) == 0)
    line.gap_first_ticks.store(now, std::memory_order_relaxed);
  line.gap_last_ticks.store(now, std::memory_order_relaxed);
  line.dropped_reason[static_cast<std::size_t>(reason)].fetch_add(1, std::memory_order_relaxed);
  // Release: a reader that counts the drop sees its time. An addition, since a signal handler may come in
  // between.
  line.dropped[severity_of(levelno)].fetch_add(1, std::memory_order_release);
  writer.limit[0] = writer.limit[1] =
      0;  // the next record comes by the slow path and writes the gap frame first
}

Room LaneOwner::make_room(std::uint32_t size, int levelno, bool may_wait) noexcept {
  const Segment& segment = attachment->segment();
  if (segment.is_retired()) return Room::kRetired;
  if (size > max_frame()) {
    count_drop(levelno, DropReason::kOversize);
    return Room::kDropped;
  }
  const std::size_t severity = severity_of(levelno);
  const bool gap = writer.line->gap_first_ticks.load(std::memory_order_relaxed) != 0;
  const std::uint64_t need = size + (gap ? sizeof(GapFrame) : 0);
  Fit result = fit(need, severity);
  if (result != Fit::kYes && may_wait && !segment.overwrites() &&
      segment.consumer().policy.load(std::memory_order_relaxed) ==
          static_cast<std::uint32_t>(Policy::kBlock)) {
    result = wait_for_room(need, severity);
    if (result != Fit::kYes && has_been_left(segment)) return Room::kRetired;
  }
  if (result != Fit::kYes) {
    count_drop(levelno, result == Fit::kLaneFull ? DropReason::kLaneFull : DropReason::kMemory);
    return Room::kDropped;
  }
  if (gap) write_gap();
  return Room::kReady;
}

bool LaneOwner::try_make_room(std::uint32_t size, int levelno) noexcept {
  const bool gap = writer.line->gap_first_ticks.load(std::memory_order_relaxed) != 0;
  if (size > max_frame() || attachment->segment().is_retired() ||
      fit(size + (gap ? sizeof(GapFrame) : 0), severity_of(levelno)) != Fit::kYes)
    return false;
  if (gap) write_gap();
  return true;
}

/// A new lap starts at offset 0 and overwrites the origin of the lap before the current one, so everything
/// before the current one must have been read: read >= newest.
///
///   |======current lap======|        free          |      old:  newest           read    position
///   0        read           position               size   new:  newest = position, room up to where `read`
///   lay
void LaneOwner::start_lap_if_due(std::uint64_t size, std::size_t severity, std::uint64_t read) noexcept {
  const Segment& segment = attachment->segment();
  const std::uint64_t offset = writer.position - writer.newest;
  const std::uint64_t consumed = read - writer.newest;
  const bool all_read = read == writer.position;
  const bool at_end = offset + size > usable(segment.lane_size(), severity);
  // Until the reader is in the new lap, the lane's end is out of reach: an early lap saves memory and costs
  // room. So not before half a lane is free again, but where memory is getting short.
  const bool frugal =
      segment.shared().budget_left.load(std::memory_order_relaxed) <
      static_cast<std::int64_t>(segment.consumer().memory_bytes.load(std::memory_order_relaxed) / 2);
  const bool mostly_read =
      consumed >= 2 * (writer.position - read) && (frugal || consumed >= segment.lane_size() / 2);
  // A lap that this record would not fit into only takes room from those of a higher severity.
  if (offset == 0 || !(all_read || ((at_end || mostly_read) && usable(consumed, severity) >= size))) return;
  older = writer.newest;
  writer.newest = writer.position;
#ifndef LOGBUS_MUTANT_ORIGIN_AFTER_COMMIT
  Word64(&origin)[2] = writer.line->origin;
  const std::size_t oldest =
      origin[0].load(std::memory_order_relaxed) <= origin[1].load(std::memory_order_relaxed) ? 0 : 1;
  // Relaxed: the release store of `committed` that publishes this lap's first frame publishes its origin too.
  origin[oldest].store(writer.position, std::memory_order_relaxed);
#endif
}

LaneOwner::Fit LaneOwner::fit(std::uint64_t size, std::size_t severity) noexcept {
  const Segment& segment = attachment->segment();
  if (segment.overwrites()) return fit_in_ring(size);
  // Acquire: pairs with the reader's release; it has finished with all bytes before this position.
  const std::uint64_t read = segment.consumer_line(lane).read.load(std::memory_order_acquire);
  if (read > writer.position) return refuse(Fit::kLaneFull);  // not our reader's doing: write nothing
#ifdef LOGBUS_MUTANT_LAP_WITHOUT_READ
  start_lap_if_due(size, severity, read);
#else
  if (read >= writer.newest) start_lap_if_due(size, severity, read);
#endif
  // Reader in this lap: the whole lane is ours to run on in. In the lap before: up to where it reads.
  const std::uint64_t room = read >= writer.newest ? segment.lane_size() : read - older;
  const std::uint64_t offset = writer.position - writer.newest;
  if (offset + size > usable(room, severity)) return refuse(Fit::kLaneFull);

  if (!steps.hold_range(offset, size)) return refuse(Fit::kMemory);
  // Below WARNING the lane grows ahead, so that an eighth of what it has stays free for those above.
  if (!steps.grow_ahead(offset + size, room, severity)) return refuse(Fit::kMemory);
#ifdef LOGBUS_MUTANT_NO_RESERVE
  writer.limit[0] = writer.limit[1] = steps.limit(offset + size, room, kReserveSeverity);
#else
  for (const std::size_t s : {std::size_t{0}, kReserveSeverity})
    writer.limit[s >= kReserveSeverity] = steps.limit(offset + size, room, s);
#endif
  return Fit::kYes;
}

/// What is held may not be where the next record goes, if a lap has been started: it asks again.
LaneOwner::Fit LaneOwner::refuse(Fit why) noexcept {
  writer.limit[0] = writer.limit[1] = 0;
  return why;
}

void LaneOwner::after_commit() noexcept {
  if (!writer.enter()) return;
  // A signal handler may have left the lane meanwhile.
  if (has_lane() && steps.end - steps.begin > 1) steps.release_behind();
  writer.leave();
}

void LaneOwner::write_gap() noexcept {
  ProducerLine& line = *writer.line;
  GapFrame gap = {};
  // No stamp of its own: it is published together with the record behind it, and sorts with that.
  gap.header = {sizeof gap, frame_tag(FrameKind::kGap), 0};
  for (std::size_t i = 0; i < kSeverities; ++i)
    gap.dropped[i] = line.dropped[i].load(std::memory_order_relaxed);
  gap.first_ticks = line.gap_first_ticks.load(std::memory_order_relaxed);
  gap.last_ticks = line.gap_last_ticks.load(std::memory_order_relaxed);
  std::memcpy(writer.data + (writer.position - writer.newest), &gap, sizeof gap);
  writer.position += sizeof gap;
  line.gap_first_ticks.store(0, std::memory_order_relaxed);
}

LaneOwner::Fit LaneOwner::wait_for_room(std::uint64_t size, std::size_t severity) noexcept {
  using std::chrono::nanoseconds;
  const Segment& segment = attachment->segment();
  if (!lease_is_held(segment)) return Fit::kLaneFull;
  const std::uint64_t deadline =
      clock_ns(CLOCK_MONOTONIC) + segment.consumer().block_timeout_ns.load(std::memory_order_relaxed);
  Word64& blocked = segment.blocked_bitmap()[lane / 64];
  const std::uint64_t bit = std::uint64_t{1} << (lane % 64);
  const Word64& read = segment.consumer_line(lane).read;
  // A full fence: either the reader sees the bit after it has moved `read`, or we see the moved `read` below.
  blocked.fetch_or(bit, std::memory_order_seq_cst);
  Fit result;
  for (;;) {
    const auto seen = static_cast<std::uint32_t>(read.load(std::memory_order_acquire));
    result = fit(size, severity);
    const std::uint64_t now = clock_ns(CLOCK_MONOTONIC);
    if (result == Fit::kYes || now >= deadline) break;
    // The low half of `read` is the futex; it lies first on this machine. The page is read-only here: that is
    // allowed.
    base::futex_wait(&read, seen, std::min<nanoseconds>(nanoseconds(deadline - now), kBlockSlice));
    if (has_been_left(segment) || !lease_is_held(segment)) break;
  }
  blocked.fetch_and(~bit, std::memory_order_release);
  return result;
}

}  // namespace logbus::shm
