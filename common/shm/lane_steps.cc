// SPDX-License-Identifier: MIT
// Taking and letting go of a lane's memory, step by step (FORMAT.md, "Laps and steps").
#include "shm/lane_steps.h"

#include <algorithm>

namespace logbus::shm {

using namespace detail;

namespace {

StepState load_step(const StepWord& step, std::memory_order order) noexcept {
  return static_cast<StepState>(step.load(order));
}
void store_step(StepWord& step, StepState state) noexcept {
  // Release: who takes the step next sees what was done to its memory, and that it has been committed.
  step.store(static_cast<std::uint8_t>(state), std::memory_order_release);
}

}  // namespace

bool LaneSteps::hold_range(std::uint64_t offset, std::uint64_t size) noexcept {
  const std::uint32_t first = step_of(offset);
  const std::uint32_t last = step_of(offset + size - 1);
  for (std::uint32_t step = first; step <= last; ++step) {
    if (take(step)) continue;
    while (step-- > first)
      if (step < begin || step >= end) store_step(table[step], StepState::kBacked);
    return false;
  }
  hold(first, last + 1);
  return true;
}

bool LaneSteps::grow_ahead(std::uint64_t end_offset, std::uint64_t room, std::size_t severity) noexcept {
  for (std::uint32_t granted = end - 1; end_offset > usable(std::min(room, step_end(granted)), severity);) {
    if (++granted >= count()) return false;
    if (is_backed(granted)) continue;
    if (!take(granted)) return false;
    store_step(table[granted], StepState::kBacked);
  }
  return true;
}

std::uint64_t LaneSteps::limit(std::uint64_t end_offset, std::uint64_t room,
                               std::size_t severity) const noexcept {
  const std::uint64_t held = std::min(room, step_end(end - 1));
  std::uint32_t granted = end - 1;
  while (usable(std::min(room, step_end(granted)), severity) < held && granted + 1 < count() &&
         is_backed(granted + 1))
    ++granted;
  const std::uint64_t limit = std::min(held, usable(std::min(room, step_end(granted)), severity));
  // What is ahead may be taken back, of an idle lane or where memory is short. It stands in for an eighth of
  // what is held: that is used in two halves, with a look before each.
  const std::uint64_t half = held / 16;
  return std::min(limit, std::max(usable(held, severity), (end_offset + half - 1) / half * half));
}

bool LaneSteps::is_backed(std::uint32_t step) const noexcept {
  // Relaxed: nothing is touched because of it.
  return load_step(table[step], std::memory_order_relaxed) == StepState::kBacked;
}

/// A ring takes all that it can get. What is left of `all` must do for the beginnings of those to come, and
/// more so for their first steps: some history for each is better than much for the first.
std::uint64_t LaneSteps::kept_back(std::uint32_t step, std::uint64_t all) const noexcept {
  if (step == 0 || !attachment->segment().overwrites()) return 0;
  return step_end(step) <= kMinRingBytes ? all / 16 : all / 8;
}

bool LaneSteps::take(std::uint32_t step) noexcept {
  const Segment& segment = attachment->segment();
  StepWord& word = table[step];
  const std::uint64_t bytes = step_end(step) - step_begin(step);
  auto state = static_cast<std::uint8_t>(load_step(word, std::memory_order_acquire));
  switch (static_cast<StepState>(state)) {
    case StepState::kHeld:
      return true;
    case StepState::kBacked:
      // Against the lease holder, who may be taking it to punch it. Acquire: see the memory as it is.
      return word.compare_exchange_strong(state, static_cast<std::uint8_t>(StepState::kHeld),
                                          std::memory_order_acq_rel, std::memory_order_relaxed);
    case StepState::kHole:
    case StepState::kGrowing:  // a tenant before us has died at it
      break;
    default:
      return false;
  }
  Word64& used = attachment->slot().memory_bytes;
  const std::uint64_t cap = segment.consumer().max_per_process_bytes.load(std::memory_order_relaxed);
  // The count is a hint as well and may be below zero for a moment.
  const auto have = static_cast<std::int64_t>(used.load(std::memory_order_relaxed));
  if ((have > 0 ? static_cast<std::uint64_t>(have) : 0) + bytes + kept_back(step, cap) > cap) return false;
  auto& budget = segment.shared().budget_left;
  // Relaxed: a hint that the lease holder corrects from the step tables.
  const std::uint64_t all = segment.consumer().memory_bytes.load(std::memory_order_relaxed);
  const auto least = static_cast<std::int64_t>(bytes + kept_back(step, all));
  std::int64_t left = budget.load(std::memory_order_relaxed);
  // A ring asks again at the end of each lap: where there is nothing, that leaves no trace.
  if (left < least) return false;
#ifndef LOGBUS_MUTANT_MEMORY_BEFORE_STATE
  // Killed from here on: the reclaimer hands it to the lease holder to punch.
  store_step(word, StepState::kGrowing);
#endif
  // Never less for a moment than it is: a new lane would be refused what is kept back for it.
  while (left >= least && !budget.compare_exchange_strong(left, left - static_cast<std::int64_t>(bytes),
                                                          std::memory_order_relaxed)) {
  }
  const bool granted = left >= least;
  if (!granted || !segment.back(data + step_begin(step), bytes)) {
    if (granted) budget.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
    store_step(word, StepState::kHole);
    return false;
  }
  used.fetch_add(bytes, std::memory_order_relaxed);
  store_step(word, StepState::kHeld);
  return true;
}

/// Holds [new_begin, new_end), all taken; gives back what else was held.
void LaneSteps::hold(std::uint32_t new_begin, std::uint32_t new_end) noexcept {
  for (std::uint32_t step = begin; step < end; ++step)
    if (step < new_begin || step >= new_end) store_step(table[step], StepState::kBacked);
  begin = new_begin;
  end = new_end;
}

}  // namespace logbus::shm
