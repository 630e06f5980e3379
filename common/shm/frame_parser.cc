// SPDX-License-Identifier: MIT
// Bounds checks of a frame (FORMAT.md, "Reading a lane").
#include "shm/frame_parser.h"

#include <algorithm>
#include <cstring>

namespace logbus::shm {

using namespace detail;

namespace {

/// A ring is a lane that overwrites: its blocks cost a lane that doesn't nothing.
template <bool kRing>
inline Parse parse_one(const LaneView& lane, std::uint64_t position, Frame& frame) noexcept {
  if (position == lane.committed) return Parse::kEnd;
  if (position > lane.committed || lane.committed - position > 2 * lane.size) return Parse::kCorrupt;
  const auto [low, high] = std::minmax(lane.origin[0], lane.origin[1]);
  if (position < low) return Parse::kCorrupt;
  // The lap of `position`, and where it ends: at the next lap's start, or not yet.
  const std::uint64_t origin = position >= high ? high : low;
  const std::uint64_t end = position < high ? std::min(high, lane.committed) : lane.committed;
  const std::uint64_t offset = position - origin;
  if (offset > lane.size) return Parse::kCorrupt;
  std::uint64_t room = lane.size - offset;
  [[maybe_unused]] bool begins_block = false;
  if constexpr (kRing) {
    begins_block = offset % lane.block == 0;
    room = std::min(room, lane.block - offset % lane.block);
    if (room < sizeof(FrameHeader) && room != 0 && room <= end - position) {
      // No room for a frame that says so.
      frame = {
          position, 0, lane.data + offset, 0, static_cast<std::uint32_t>(room), frame_tag(FrameKind::kPad)};
      return Parse::kFrame;
    }
  }
  if (room < sizeof(FrameHeader)) return Parse::kCorrupt;
  FrameHeader header;
  std::memcpy(&header, lane.data + offset, sizeof header);  // the one read of its length
  if (header.size < sizeof header || header.size % kFrameAlign != 0 || header.size > kMaxRecordBytes ||
      header.size > end - position || header.size > room)
    return Parse::kCorrupt;
  if constexpr (kRing) {
    const bool is_block = frame_kind(header.tag) == FrameKind::kBlock;
    if (is_block != begins_block || (is_block && header.size != sizeof(BlockFrame))) return Parse::kCorrupt;
  }
  frame.position = position;
  frame.ticks = header.ticks;
  frame.payload = lane.data + offset + sizeof header;
  frame.payload_size = header.size - static_cast<std::uint32_t>(sizeof header);
  frame.size = header.size;
  frame.tag = header.tag;
  return Parse::kFrame;
}

template <bool kRing>
bool is_before_record(const Frame& frame) noexcept {
  return frame.kind() == FrameKind::kGap || (kRing && frame.kind() == FrameKind::kBlock);
}

/// A block and a gap are published by the same store as the record behind them, and take its stamp.
template <bool kRing>
[[gnu::noinline]] Parse take_stamp_behind(const LaneView& lane, Frame& frame) noexcept {
  Frame next = frame;
  while (is_before_record<kRing>(next)) {
    const bool gap = next.kind() == FrameKind::kGap;
    if (gap && next.size != sizeof(GapFrame)) return Parse::kCorrupt;
    if (parse_one<kRing>(lane, next.position + next.size, next) != Parse::kFrame) return Parse::kCorrupt;
    if (gap && is_before_record<kRing>(next)) return Parse::kCorrupt;
  }
  frame.ticks = next.ticks;
  return Parse::kFrame;
}

template <bool kRing>
inline Parse parse(const LaneView& lane, std::uint64_t position, Frame& frame) noexcept {
  const Parse result = parse_one<kRing>(lane, position, frame);
  if (result != Parse::kFrame || !is_before_record<kRing>(frame)) [[likely]]
    return result;
  return take_stamp_behind<kRing>(lane, frame);
}

/// Apart: what it needs of registers, the others need not save.
[[gnu::noinline]] Parse parse_ring(const LaneView& lane, std::uint64_t position, Frame& frame) noexcept {
  return parse<true>(lane, position, frame);
}

}  // namespace

Parse parse_frame(const LaneView& lane, std::uint64_t position, Frame& frame) noexcept {
  return lane.block == 0 ? parse<false>(lane, position, frame) : parse_ring(lane, position, frame);
}

std::uint64_t records_before(const Frame& block) noexcept {
  std::uint64_t count = 0;
  std::memcpy(&count, block.payload, sizeof count);
  return count;
}

}  // namespace logbus::shm
