// SPDX-License-Identifier: MIT
// The cold half of a lane's writer: claiming, growing, dropping, waiting, closing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

#include <logbus/detail/lane_writer.h>
#include "shm/attachment.h"
#include "shm/lane_steps.h"

namespace logbus::shm {

enum class [[nodiscard]] Claim{kOk, kNoLane, kRetired, kNoMemory};

/// Whether the record may be written now. All but kReady mean it is lost, and has been counted, but for
/// kRetired: attach again and ask again.
enum class [[nodiscard]] Room{kReady, kDropped, kRetired};

/// One thread's lane. Lies in memory that the kernel wipes in a forked child: all zero means "no lane", and
/// nothing here has a constructor or destructor that would matter.
struct LaneOwner {
  detail::LaneWriter writer;
  Attachment* attachment;
  std::uint64_t tenancy;
  std::uint64_t older;  // start of the lap before the current one
  std::uint32_t lane;
  LaneSteps steps;
  std::uint32_t drop_lines;  // kept for the caller: lines told on stderr

  bool has_lane() const noexcept { return attachment != nullptr; }

  /// Takes a free lane of the bus for the calling thread. Requires !has_lane().
  Claim claim(Attachment& to, std::uint32_t thread, std::string_view thread_name) noexcept;

  /// The slow path of a record of `size` bytes (a whole frame): starts a lap, grows, waits for room if the
  /// policy says so, writes a gap frame first if records were dropped before. With the writer entered.
  /// kReady: begin() it.
  Room make_room(std::uint32_t size, int levelno, bool may_wait) noexcept;

  /// The same for a caller that keeps the record and asks again later: never waits, counts nothing. With the
  /// writer entered.
  bool try_make_room(std::uint32_t size, int levelno) noexcept;

  /// After the commit of a record that came by the slow path: an idle lane shall not keep more memory than
  /// the step it is written to, and its first.
  void after_commit() noexcept;

  /// Counts a record that was not written. Async-signal-safe.
  void count_drop(int levelno, detail::DropReason reason) noexcept;

  /// The longest frame this lane takes.
  std::uint32_t max_frame() const noexcept;

  /// Gives the lane back: the reader frees it once it has read it. No lane afterwards.
  void close() noexcept;

  /// For those who look from outside; records carry the name from their next names frame on.
  void set_thread_name(std::string_view name) noexcept;

 private:
  enum class Fit { kYes, kLaneFull, kMemory };
  Claim try_claim(Attachment& to, std::uint32_t thread, std::string_view thread_name,
                  bool punched_too) noexcept;
  Fit fit(std::uint64_t size, std::size_t severity) noexcept;
  Fit refuse(Fit why) noexcept;
  // Of a lane that overwrites: lane_ring.cc.
  void start_ring(std::uint64_t read) noexcept;
  Fit fit_in_ring(std::uint64_t size) noexcept;
  bool pad(std::uint64_t offset, std::uint64_t size) noexcept;
  void start_block(std::uint64_t offset) noexcept;
  void raise_floor(std::uint64_t floor) noexcept;
  void start_lap_if_due(std::uint64_t size, std::size_t severity, std::uint64_t read) noexcept;
  Fit wait_for_room(std::uint64_t size, std::size_t severity) noexcept;
  void write_gap() noexcept;
};
static_assert(std::is_trivially_copyable_v<LaneOwner> &&
              std::is_trivially_default_constructible_v<LaneOwner>);

}  // namespace logbus::shm
