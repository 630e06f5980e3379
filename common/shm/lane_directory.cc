// SPDX-License-Identifier: MIT
// Reclaiming lanes and slots (FORMAT.md, "Slots and lanes").
#include "shm/lane_directory.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

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
      line.busy.store(0, std::memory_order_relaxed);
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
  if (!empty || !free_slot) return empty;
  ProcessSlot& slot = segment.slot(index);
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

bool owner_proven_dead(const ProcessSlot& slot) noexcept {
  if ((slot.flags.load(std::memory_order_relaxed) & kSlotWeak) == 0) return true;
  const auto pid = static_cast<pid_t>(slot.pid.load(std::memory_order_relaxed));
  const base::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  return !pidfd && errno == ESRCH;
}

}  // namespace logbus::shm
