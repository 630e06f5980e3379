// SPDX-License-Identifier: MIT
// Giving lanes and slots back: reclaiming is claiming, with the slot's kernel lock in hand.
#pragma once

#include <bit>
#include <cstdint>

#include "shm/segment.h"

namespace logbus::shm {

/// Gives back the lanes of slot `index` that have been read to their end, and then the slot if `free_slot`
/// and none is left. The caller holds the slot's kernel lock. True: no lane is left, and no loss untold.
/// Idempotent: may be killed anywhere.
bool clean_slot(const Segment& segment, std::uint32_t index, bool free_slot);
/// The same of a bus of rings, unread records and all: they count as overwritten.
bool give_up_slot(const Segment& segment, std::uint32_t index);

/// On a bus of rings without a free lane: frees the one whose thread has ended longest ago, else those of the
/// dead process that came first. False: there is none such.
bool give_up_oldest_lane(const Segment& segment) noexcept;
/// All of the dead process that came first, with its slot. False: there is none.
bool give_up_oldest_process(const Segment& segment) noexcept;

/// Steps of the lane that their dead or leaving writer held: HELD -> BACKED, GROWING -> PUNCHING (which only
/// the lease holder finishes: nobody else punches).
void release_steps(const Segment& segment, std::uint32_t lane) noexcept;

/// Calls f(step, state as it was) for each step of the lane that is not HOLE. Eight steps a load: of most
/// lanes only the first has memory, and a sweep looks at all lanes.
template <class F>
void for_each_step(const Segment& segment, std::uint32_t lane, F f) {
  const auto words = segment.step_words(lane);
  for (std::uint32_t word = 0; word < words.size(); ++word) {
    // Acquire: as of a load of each step. Who takes one does so by a CAS of its own.
    for (std::uint64_t left = words[word].load(std::memory_order_acquire); left != 0;) {
      const int place = std::countr_zero(left) / 8 * 8;
      const auto state = static_cast<std::uint8_t>(left >> place);
      left &= ~(std::uint64_t{0xFF} << place);
      const std::uint32_t step = word * 8 + static_cast<std::uint32_t>(place) / 8;
      if (step < segment.steps()) f(step, static_cast<detail::StepState>(state));
    }
  }
}

/// Bytes of the lane's steps that have memory.
std::uint64_t lane_memory(const Segment& segment, std::uint32_t lane) noexcept;

/// Takes the lane from its tenant {word} if it still is that tenant: FREE, tenancy + 1. Its counts go to the
/// slot.
bool free_lane(const Segment& segment, std::uint32_t lane, std::uint64_t word) noexcept;

/// For a claimer that has found no free lane: gives back lanes of a dead process that the lease holder has
/// not come to yet. Looks at a few slots; true: there may be a free lane now.
bool reclaim_a_lane(const Segment& segment) noexcept;

/// The process of a slot whose lock is weak has really gone. Its lock alone says so of all others. False if
/// nobody here can tell.
bool owner_proven_dead(const ProcessSlot& slot) noexcept;

}  // namespace logbus::shm
