// SPDX-License-Identifier: MIT
// The writer's side of a lane's memory: the steps it holds.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "shm/attachment.h"

namespace logbus::shm {

/// What records of this severity may use of the first `granted` bytes: all but an eighth below WARNING.
constexpr std::uint64_t usable(std::uint64_t granted, std::size_t severity) noexcept {
  return severity >= detail::kReserveSeverity ? granted : granted - granted / 8;
}

/// One thread's, of one lane. Only HELD steps are touched, and held are those alone that the frame at hand
/// lies in, so that the others may be punched:
///
///   |BACKED|BACKED|HELD|BACKED|HOLE ...
///                 begin  end
///
/// All zero means "of no lane"; it lies in memory that the kernel wipes in a forked child.
struct LaneSteps {
  Attachment* attachment;
  detail::StepWord* table;
  std::byte* data;           // the lane's
  std::uint32_t begin, end;  // held

  /// Holds the steps of [offset, offset + size) and no others. False: there is no memory, or the lease holder
  /// has just taken one; what is held stays as it was.
  [[nodiscard]] bool hold_range(std::uint64_t offset, std::uint64_t size) noexcept;
  /// Gives steps memory from the held ones on, until a record of `severity` may use `end_offset` bytes of the
  /// first `room`. False: no memory.
  [[nodiscard]] bool grow_ahead(std::uint64_t end_offset, std::uint64_t room, std::size_t severity) noexcept;
  /// The offset up to which records of `severity` may be written to what is held: for low severities less an
  /// eighth of what has memory in one piece from there, and never more than `room`. `end_offset`: of the
  /// record at hand.
  std::uint64_t limit(std::uint64_t end_offset, std::uint64_t room, std::size_t severity) const noexcept;
  /// The offset behind the last step held.
  std::uint64_t held_end() const noexcept { return detail::step_end(end - 1); }
  /// A frame has been committed: of the steps that it lies in the last is enough.
  void release_behind() noexcept { hold(end - 1, end); }
  void release_all() noexcept { hold(0, 0); }

 private:
  bool take(std::uint32_t step) noexcept;
  std::uint64_t kept_back(std::uint32_t step, std::uint64_t all) const noexcept;
  void hold(std::uint32_t new_begin, std::uint32_t new_end) noexcept;
  bool is_backed(std::uint32_t step) const noexcept;
  std::uint32_t count() const noexcept { return attachment->segment().steps(); }
};
static_assert(std::is_trivially_copyable_v<LaneSteps> &&
              std::is_trivially_default_constructible_v<LaneSteps>);

}  // namespace logbus::shm
