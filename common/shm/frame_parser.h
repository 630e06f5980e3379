// SPDX-License-Identifier: MIT
// Frames out of a lane's bytes, which another process wrote: nothing in them is trusted.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <logbus/detail/layout.h>

namespace logbus::shm {

/// A checked frame. `payload` points into the lane: copy it out before parsing it, its writer may still be
/// alive.
struct Frame {
  std::uint64_t position = 0;
  std::uint64_t ticks = 0;  // a gap's and a block's are those of the record behind it
  const std::byte* payload = nullptr;
  std::uint32_t payload_size = 0;  // with padding
  std::uint32_t size = 0;
  std::uint32_t tag = 0;

  detail::FrameKind kind() const noexcept { return detail::frame_kind(tag); }
};

/// The bytes of a lane as a reader sees them: what is committed, and where the last two laps start.
struct LaneView {
  const std::byte* data = nullptr;
  std::uint64_t size = 0;   // of the lane
  std::uint64_t block = 0;  // of a lane that overwrites: how long its blocks are
  std::uint64_t committed = 0;
  std::array<std::uint64_t, 2> origin = {};
};

enum class [[nodiscard]] Parse{
    kFrame,
    kEnd,      // position == committed
    kCorrupt,  // position, origins or the frame's length make no sense
};

/// The frame at `position`. Reads only bytes of [position, committed), each length once. Of a lane that
/// overwrites also frames of kinds kBlock and kPad; of those nothing holds, not even kCorrupt, unless `floor`
/// is found to be at or below `position` after an acquire fence.
Parse parse_frame(const LaneView& lane, std::uint64_t position, Frame& frame) noexcept;

/// A block frame's count. Its bytes are read once.
std::uint64_t records_before(const Frame& block) noexcept;

}  // namespace logbus::shm
