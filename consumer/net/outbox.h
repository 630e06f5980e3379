// SPDX-License-Identifier: MIT
// What a server is to get: frames that wait, and frames that it may not have got yet.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>

namespace logbus::net {

/// Frames in their order. They are sent as one stream of bytes and forgotten when they have arrived:
///
///   [ frame | frame | frame | frame | frame ]
///     ^ not acknowledged      ^ unsent: in the middle of a frame, mostly
///
/// When the connection breaks, all go again from the first that is not wholly acknowledged. What waits is
/// bounded in bytes; what is sent and not acknowledged, by the kernel's send buffer. One thread at a time.
class Outbox {
 public:
  explicit Outbox(std::size_t capacity) : capacity_(capacity) {}

  /// False: there is no room, and the frame is not taken. One that is longer than all the room goes into an
  /// outbox in which nothing waits.
  [[nodiscard]] bool put(std::string_view frame);

  std::string_view unsent() const noexcept { return std::string_view(bytes_).substr(sent_ - begin_); }
  /// The first frame that is not wholly sent, from where it is unsent; empty if there is none.
  std::string_view next_frame() const noexcept;
  void mark_sent(std::size_t bytes) noexcept { sent_ += bytes; }
  /// Of what was sent, all but the last `unacknowledged` bytes have arrived. Gives how many frames that
  /// completes.
  std::size_t acknowledge(std::size_t unacknowledged);
  /// The connection is gone: nothing of what is still here counts as sent. Gives how many frames were, wholly
  /// or in part.
  std::size_t rewind() noexcept;
  /// Forgets all. Gives how many frames that were.
  std::size_t clear() noexcept;

  bool empty() const noexcept { return ends_.empty(); }
  std::size_t frames() const noexcept { return ends_.size(); }
  /// Those that are not wholly sent.
  std::size_t unsent_frames() const noexcept;

 private:
  using Position = std::uint64_t;  // in all that was ever put

  void forget_up_to(Position position);

  std::size_t capacity_;
  std::string bytes_;
  Position begin_ = 0;         // of bytes_
  Position kept_ = 0;          // where the first frame begins
  Position sent_ = 0;          // where what is unsent begins
  std::deque<Position> ends_;  // of each frame
};

}  // namespace logbus::net
