// SPDX-License-Identifier: MIT
// Giving lanes and slots back: reclaiming is claiming, with the slot's kernel lock in hand.
#pragma once

#include <cstdint>

#include "shm/segment.h"

namespace logbus::shm {

/// Gives back the lanes of slot `index` that have been read to their end, and then the slot if `free_slot`
/// and none is left. The caller holds the slot's kernel lock. True: no lane is left. Idempotent: may be
/// killed anywhere.
bool clean_slot(const Segment& segment, std::uint32_t index, bool free_slot);

/// Steps of the lane that their dead or leaving writer held: HELD -> BACKED, GROWING -> PUNCHING (which only
/// the lease holder finishes: nobody else punches).
void release_steps(const Segment& segment, std::uint32_t lane) noexcept;

/// Bytes of the lane's steps that have memory.
std::uint64_t lane_memory(const Segment& segment, std::uint32_t lane) noexcept;

/// Takes the lane from its tenant {word} if it still is that tenant: FREE, tenancy + 1. Its counts go to the
/// slot.
bool free_lane(const Segment& segment, std::uint32_t lane, std::uint64_t word) noexcept;

/// The process of a slot whose lock is weak has really gone.
bool owner_proven_dead(const ProcessSlot& slot) noexcept;

}  // namespace logbus::shm
