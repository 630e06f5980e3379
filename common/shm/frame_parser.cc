// SPDX-License-Identifier: MIT
// Bounds checks of a frame (FORMAT.md, "Reading a lane").
#include "shm/frame_parser.h"

#include <algorithm>
#include <cstring>

namespace logbus::shm {

using namespace detail;

namespace {

Parse parse_one(const LaneView& lane, std::uint64_t position, Frame& frame) noexcept {
  if (position == lane.committed) return Parse::kEnd;
  if (position > lane.committed || lane.committed - position > 2 * lane.size) return Parse::kCorrupt;
  const auto [low, high] = std::minmax(lane.origin[0], lane.origin[1]);
  if (position < low) return Parse::kCorrupt;
  // The lap of `position`, and where it ends: at the next lap's start, or not yet.
  const std::uint64_t origin = position >= high ? high : low;
  const std::uint64_t end = position < high ? std::min(high, lane.committed) : lane.committed;
  const std::uint64_t offset = position - origin;
  if (offset > lane.size || lane.size - offset < sizeof(FrameHeader)) return Parse::kCorrupt;
  FrameHeader header;
  std::memcpy(&header, lane.data + offset, sizeof header);  // the one read of its length
  if (header.size < sizeof header || header.size % kFrameAlign != 0 || header.size > kMaxRecordBytes ||
      header.size > end - position || header.size > lane.size - offset)
    return Parse::kCorrupt;
  frame.position = position;
  frame.ticks = header.ticks;
  frame.payload = lane.data + offset + sizeof header;
  frame.payload_size = header.size - static_cast<std::uint32_t>(sizeof header);
  frame.size = header.size;
  frame.tag = header.tag;
  return Parse::kFrame;
}

}  // namespace

Parse parse_frame(const LaneView& lane, std::uint64_t position, Frame& frame) noexcept {
  const Parse result = parse_one(lane, position, frame);
  if (result != Parse::kFrame || frame.kind() != FrameKind::kGap) return result;
  if (frame.size != sizeof(GapFrame)) return Parse::kCorrupt;
  // A gap is published by the same store as the record behind it, and takes its stamp.
  Frame next;
  if (parse_one(lane, position + frame.size, next) != Parse::kFrame) return Parse::kCorrupt;
  frame.ticks = next.ticks;
  return Parse::kFrame;
}

}  // namespace logbus::shm
