// SPDX-License-Identifier: MIT
// Reclaiming lanes and slots (FORMAT.md, "Slots and lanes").
#include "shm/lane_directory.h"

#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>

#include <logbus/error.h>
#include "base/kernel.h"
#include "base/unique_fd.h"

namespace logbus::shm {

using namespace detail;

void release_steps(const Segment& segment, std::uint32_t lane) noexcept {
  StepWord* steps = segment.step_table(lane);
  for (std::uint32_t i = 0; i < segment.steps(); ++i) {
    auto state = static_cast<std::uint8_t>(StepState::kHeld);
    // Release: the lease holder that takes the step by CAS sees all that its writer stored there.
    if (steps[i].compare_exchange_strong(state, static_cast<std::uint8_t>(StepState::kBacked),
                                         std::memory_order_release, std::memory_order_relaxed))
      continue;
    if (state == static_cast<std::uint8_t>(StepState::kGrowing))
      steps[i].compare_exchange_strong(state, static_cast<std::uint8_t>(StepState::kPunching),
                                       std::memory_order_release, std::memory_order_relaxed);
  }
}

std::uint64_t lane_memory(const Segment& segment, std::uint32_t lane) noexcept {
  std::uint64_t bytes = 0;
  for_each_step(segment, lane,
                [&bytes](std::uint32_t step, StepState) { bytes += step_end(step) - step_begin(step); });
  return bytes;
}

bool free_lane(const Segment& segment, std::uint32_t lane, std::uint64_t word) noexcept {
  ProducerLine& line = segment.producer_line(lane);
  const LaneWord tenant = unpack_lane(word);
  const std::uint64_t records =
      line.records.load(std::memory_order_relaxed) - line.records_before.load(std::memory_order_relaxed);
  std::uint64_t dropped[kSeverities];
  for (std::size_t i = 0; i < kSeverities; ++i)
    dropped[i] = line.dropped[i].load(std::memory_order_relaxed) -
                 line.dropped_before[i].load(std::memory_order_relaxed);
  const std::uint64_t memory = lane_memory(segment, lane);
  // Acq_rel: what the old tenant wrote is ours to hand on; the next tenant sees it all through this word.
  if (!line.word.compare_exchange_strong(word, pack({LaneState::kFree, 0, tenant.tenancy + 1}),
                                         std::memory_order_acq_rel, std::memory_order_relaxed))
    return false;
  // After the CAS, so that nothing is counted twice; a death between loses a line in a statistic.
  if (tenant.slot < segment.slots()) {
    ProcessSlot& slot = segment.slot(tenant.slot);
    slot.records_closed.fetch_add(records, std::memory_order_relaxed);
    for (std::size_t i = 0; i < kSeverities; ++i)
      slot.dropped_closed[i].fetch_add(dropped[i], std::memory_order_relaxed);
    slot.memory_bytes.fetch_sub(memory, std::memory_order_relaxed);
  }
  return true;
}

bool clean_slot(const Segment& segment, std::uint32_t index, bool free_slot) {
  bool empty = true;
  for (std::uint32_t lane = 0; lane < segment.lanes(); ++lane) {
    ProducerLine& line = segment.producer_line(lane);
    const std::uint64_t word = line.word.load(std::memory_order_acquire);
    const LaneWord tenant = unpack_lane(word);
    if (tenant.state == LaneState::kFree || tenant.slot != index) continue;
    // Only of an OPEN lane: nobody but the holder of this lock takes it from its dead owner. A CLOSED one
    // holds nothing, and the lease holder may free it at any moment: what is held there may be the next
    // tenant's.
    if (tenant.state == LaneState::kOpen) {
      release_steps(segment, lane);
#ifndef LOGBUS_MUTANT_DEAD_STAYS_BUSY
      line.busy.store(0, std::memory_order_relaxed);
#endif
#ifndef LOGBUS_MUTANT_DEAD_STAYS_BLOCKED
      // Killed while it waited for room. Nobody else takes the bit back, and as long as it is there each
      // batch of the lane's next tenants is a wake of nobody.
      segment.blocked_bitmap()[lane / 64].fetch_and(~(std::uint64_t{1} << (lane % 64)),
                                                    std::memory_order_relaxed);
#endif
    }
    const std::uint64_t committed = line.committed.load(std::memory_order_acquire);
    const ConsumerLine& reader = segment.consumer_line(lane);
    std::uint64_t unreported = 0;
    for (std::size_t i = 0; i < kSeverities; ++i)
      unreported |= line.dropped[i].load(std::memory_order_relaxed) ^
                    reader.reported[i].load(std::memory_order_relaxed);
    // What is unread or untold stays the dead tenant's, until the lease holder has seen to it.
    const bool drained = reader.read.load(std::memory_order_acquire) == committed && unreported == 0;
    if (!drained || !free_lane(segment, lane, word)) empty = false;
  }
  ProcessSlot& slot = segment.slot(index);
  std::uint64_t without_lane = 0;
  for (const Word64& count : slot.dropped_no_lane) without_lane += count.load(std::memory_order_relaxed);
  // Losses that nobody has been told of are this process's: the next tenant must not inherit them.
  if (without_lane != slot.told_no_lane.load(std::memory_order_relaxed)) return false;
  if (!empty || !free_slot) return empty;
  const std::uint64_t generation = slot_generation(slot.word.load(std::memory_order_relaxed));
  slot.pid.store(0, std::memory_order_relaxed);
  slot.start_time.store(0, std::memory_order_relaxed);
  slot.flags.store(0, std::memory_order_relaxed);
  slot.memory_bytes.store(0, std::memory_order_relaxed);
  slot.records_closed.store(0, std::memory_order_relaxed);
  for (Word64& count : slot.dropped_closed) count.store(0, std::memory_order_relaxed);
  for (Word64& count : slot.dropped_no_lane) count.store(0, std::memory_order_relaxed);
  slot.told_no_lane.store(0, std::memory_order_relaxed);
  std::memset(slot.process_name, 0, sizeof slot.process_name);
  std::memset(slot.executable, 0, sizeof slot.executable);
  // Release: whoever finds the slot FREE finds it wiped.
  slot.word.store(pack_slot(SlotState::kFree, generation), std::memory_order_release);
  return true;
}

namespace {

bool has_free_lane(const Segment& segment) noexcept {
  for (std::uint32_t lane = 0; lane < segment.lanes(); ++lane) {
    const std::uint64_t word = segment.producer_line(lane).word.load(std::memory_order_relaxed);
    if (unpack_lane(word).state == LaneState::kFree) return true;
  }
  return false;
}

void release_held_steps(const Segment& segment, std::uint32_t lane) noexcept {
  StepWord* steps = segment.step_table(lane);
  for (std::uint32_t i = 0; i < segment.steps(); ++i) {
    auto state = static_cast<std::uint8_t>(StepState::kHeld);
    steps[i].compare_exchange_strong(state, static_cast<std::uint8_t>(StepState::kBacked),
                                     std::memory_order_release, std::memory_order_relaxed);
  }
}

/// Frees a lane that nobody writes: CLOSED, or a dead process's whose slot's lock the caller holds.
bool give_up_lane(const Segment& segment, std::uint32_t lane, std::uint64_t word) noexcept {
  ProducerLine& line = segment.producer_line(lane);
  const std::uint64_t committed = line.committed.load(std::memory_order_acquire);
  std::uint64_t floor = line.floor.load(std::memory_order_relaxed);
  // The floor before the tenant: a reader that has copied a frame and then looks who wrote it must find it
  // gone if it may have found another. Only upwards: the lane may have been let in the meantime, and then
  // its floor is not below this one.
  while (floor < committed &&
         !line.floor.compare_exchange_strong(floor, committed, std::memory_order_acq_rel)) {
  }
  return free_lane(segment, lane, word);
}

}  // namespace

bool reclaim_a_lane(const Segment& segment) noexcept {
  // Each costs a system call that walks a list of all locks. Who finds nothing comes again, and starts
  // behind.
  constexpr std::uint32_t kMostSlots = 64;
  static std::atomic<std::uint32_t> next{0};
  const base::UniqueFd fd = segment.reopen();
  if (!fd) return false;
  for (std::uint32_t i = 0, checked = 0; i < segment.slots() && checked < kMostSlots; ++i) {
    const std::uint32_t index = next.fetch_add(1, std::memory_order_relaxed) % segment.slots();
    const ProcessSlot& slot = segment.slot(index);
    if (slot_state(slot.word.load(std::memory_order_relaxed)) == SlotState::kFree) continue;
    ++checked;
    // Tested first: most are alive, and our own must not be had even for a moment if its lock is weak.
    if (base::is_locked(fd.get(), kSlotLockBase + index, 1)) continue;
    try {
      if (!base::try_lock_byte(fd.get(), kSlotLockBase + index)) continue;
    } catch (const Error&) {
      return false;
    }
    const std::uint64_t word = slot.word.load(std::memory_order_acquire);
    if (slot_state(word) != SlotState::kFree && owner_proven_dead(slot))
      static_cast<void>(clean_slot(segment, index, false));
    // Not by closing alone: a child forked by another thread may have the descriptor too.
    base::unlock_byte(fd.get(), kSlotLockBase + index);
    if (has_free_lane(segment)) return true;
  }
  return false;
}

bool give_up_slot(const Segment& segment, std::uint32_t index) {
  for (std::uint32_t lane = 0; lane < segment.lanes(); ++lane) {
    ProducerLine& line = segment.producer_line(lane);
    const std::uint64_t word = line.word.load(std::memory_order_acquire);
    const LaneWord tenant = unpack_lane(word);
    if (tenant.state == LaneState::kFree || tenant.slot != index) continue;
    if (tenant.state == LaneState::kOpen) {
      // What was growing stays so, for the next tenant: there may be no lease holder to punch it.
      release_held_steps(segment, lane);
      line.busy.store(0, std::memory_order_relaxed);
    }
    give_up_lane(segment, lane, word);
  }
  return clean_slot(segment, index, true);
}

bool give_up_oldest_lane(const Segment& segment) noexcept {
  if (!segment.overwrites()) return false;
  std::uint32_t oldest = segment.lanes();
  std::uint64_t oldest_word = 0;
  std::uint64_t oldest_ticks = ~std::uint64_t{0};
  for (std::uint32_t lane = 0; lane < segment.lanes(); ++lane) {
    const ProducerLine& line = segment.producer_line(lane);
    const std::uint64_t word = line.word.load(std::memory_order_acquire);
    const LaneState state = unpack_lane(word).state;
    const std::uint64_t ticks = line.closed_ticks.load(std::memory_order_relaxed);
    if (state != LaneState::kClosed || ticks >= oldest_ticks) continue;
    oldest = lane;
    oldest_word = word;
    oldest_ticks = ticks;
  }
  if (oldest < segment.lanes()) {
    give_up_lane(segment, oldest, oldest_word);
    return true;  // if not by us, then by another
  }
  return give_up_oldest_process(segment);
}

bool give_up_oldest_process(const Segment& segment) noexcept {
  const base::UniqueFd fd = segment.reopen();
  if (!fd) return false;
  std::uint64_t after = 0;
  for (;;) {
    // The next one by the time it came.
    std::uint32_t oldest = segment.slots();
    std::uint64_t oldest_ticks = ~std::uint64_t{0};
    for (std::uint32_t slot = 0; slot < segment.slots(); ++slot) {
      if (slot_state(segment.slot(slot).word.load(std::memory_order_relaxed)) == SlotState::kFree) continue;
      const std::uint64_t ticks = segment.slot(slot).attach_ticks.load(std::memory_order_relaxed);
      if (ticks <= after || ticks >= oldest_ticks) continue;
      oldest = slot;
      oldest_ticks = ticks;
    }
    if (oldest == segment.slots()) return false;
    after = oldest_ticks;
    // Tested first: as above.
    if (base::is_locked(fd.get(), kSlotLockBase + oldest, 1)) continue;
    try {
      if (!base::try_lock_byte(fd.get(), kSlotLockBase + oldest)) continue;
    } catch (const Error&) {
      return false;
    }
    const bool dead = owner_proven_dead(segment.slot(oldest));
    const bool given_up = dead && give_up_slot(segment, oldest);
    base::unlock_byte(fd.get(), kSlotLockBase + oldest);
    if (given_up) return true;
  }
}

bool owner_proven_dead(const ProcessSlot& slot) noexcept {
  if ((slot.flags.load(std::memory_order_relaxed) & kSlotWeak) == 0) return true;
  // In another pid namespace that number is nobody's, or somebody else's.
  struct stat ours;
  if (::stat("/proc/self/ns/pid", &ours) != 0 ||
      ours.st_ino != slot.pid_namespace.load(std::memory_order_relaxed))
    return false;
  const auto pid = static_cast<pid_t>(slot.pid.load(std::memory_order_relaxed));
  const base::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  return !pidfd && errno == ESRCH;
}

}  // namespace logbus::shm
