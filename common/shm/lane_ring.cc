// SPDX-License-Identifier: MIT
// The slow path of a lane that overwrites (FORMAT.md, "Overflow").
//
//   data: |block|block|bl..   ..|block|block|  free of memory, or the lane's end
//         0       position      floor
//         |== this lap =|       |= the lap before =|
//
// A lap ends where the lane does, or where there is no more memory; the next one starts at offset 0, over the
// oldest blocks. So a ring's length is what it has got, and grows again when its next lap comes to its end
// and there is memory. Each byte that is written lies in a block of which `floor` has said that its old
// frames are gone: a reader that finds `floor` unchanged after it has copied has copied what was there.
// A ring that has got no more than one block gives up all of it where a lap begins.
#include <algorithm>
#include <cstring>

#include "shm/lane_owner.h"

namespace logbus::shm {

using namespace detail;

/// For a new tenant: a lap, and so a block, of its own. What its predecessor left is gone.
void LaneOwner::start_ring(std::uint64_t read) noexcept {
  ProducerLine& line = *writer.line;
  // Less than what has been read: somebody has written over these words.
  if (writer.position < read) writer.position = read;
  writer.newest = older = writer.position;
  // Release, and the fence: who sees the floor sees that `committed` is not below it, who sees an origin sees
  // the floor.
  if (line.committed.load(std::memory_order_relaxed) != writer.position)
    line.committed.store(writer.position, std::memory_order_release);
  line.floor.store(writer.position, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_release);
  for (Word64& origin : line.origin) origin.store(writer.position, std::memory_order_relaxed);
}

LaneOwner::Fit LaneOwner::fit_in_ring(std::uint64_t size) noexcept {
  const std::uint64_t lane_size = attachment->segment().lane_size();
  const std::uint64_t block = block_bytes(lane_size);
  const std::uint64_t offset = writer.position - writer.newest;
  const std::uint64_t used = offset % block;
  const std::uint64_t left = used == 0 ? 0 : block - used;
  const std::uint64_t with_block = size + sizeof(BlockFrame);
  if (left != 0 && size <= left && steps.hold_range(offset, size)) {
    // In the block at hand.
  } else if (const std::uint64_t next = offset + left; size > left && next + block <= lane_size &&
                                                       pad(offset, left) &&
                                                       steps.hold_range(next, with_block)) {
    start_block(next);
  } else if (steps.hold_range(0, with_block)) {
    start_block(0);
  } else {
    return refuse(Fit::kMemory);
  }
  const std::uint64_t at = writer.position - writer.newest;
  // There is no reserve: there is always room.
  writer.limit[0] = writer.limit[1] = std::min(steps.held_end(), at - at % block + block);
  return Fit::kYes;
}

/// Fills the rest of a block. False: no memory for the frame that says so. Eight bytes need none.
bool LaneOwner::pad(std::uint64_t offset, std::uint64_t size) noexcept {
  if (size < sizeof(FrameHeader)) return true;
  if (!steps.hold_range(offset, sizeof(FrameHeader))) return false;
  const FrameHeader header{static_cast<std::uint32_t>(size), frame_tag(FrameKind::kPad), 0};
  std::memcpy(writer.data + offset, &header, sizeof header);
  return true;
}

/// At `offset` of this lap, or at 0 of the next one. Nothing of it is published before the record behind it.
/// Killed anywhere here: old frames are given up that are still there, and that is all.
void LaneOwner::start_block(std::uint64_t offset) noexcept {
  ProducerLine& line = *writer.line;
  const bool lap = offset == 0 && writer.position != writer.newest;
  if (lap) {
    older = writer.newest;
    writer.newest = writer.position;
  }
  const std::uint64_t block = block_bytes(attachment->segment().lane_size());
  const std::uint64_t floor = std::min(writer.newest, older + offset + block);
#ifndef LOGBUS_MUTANT_FLOOR_AFTER_DATA
  raise_floor(floor);
#endif
  if (lap) {
    Word64(&origin)[2] = line.origin;
    const std::size_t oldest =
        origin[0].load(std::memory_order_relaxed) <= origin[1].load(std::memory_order_relaxed) ? 0 : 1;
    // Relaxed: published with this lap's first frame, and after the floor.
    origin[oldest].store(writer.position, std::memory_order_relaxed);
  }
  const BlockFrame frame{{sizeof frame, frame_tag(FrameKind::kBlock), 0}, writer.records};
  std::memcpy(writer.data + offset, &frame, sizeof frame);
  writer.position = writer.newest + offset + sizeof frame;
#ifdef LOGBUS_MUTANT_FLOOR_AFTER_DATA
  raise_floor(floor);
#endif
}

void LaneOwner::raise_floor(std::uint64_t floor) noexcept {
  ProducerLine& line = *writer.line;
  if (line.floor.load(std::memory_order_relaxed) >= floor) return;
  // Release: who sees it sees a `committed` that is not below it.
  line.floor.store(floor, std::memory_order_release);
#ifndef LOGBUS_MUTANT_NO_FLOOR_FENCE
  // Before any byte of the block: pairs with the reader's fence between its copy and its second look at the
  // floor.
  std::atomic_thread_fence(std::memory_order_release);
#endif
}

}  // namespace logbus::shm
