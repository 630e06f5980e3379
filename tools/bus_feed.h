// SPDX-License-Identifier: MIT
// One thread's way onto a bus for a program that would rather wait than lose a record.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "shm/attachment.h"
#include "shm/lane_owner.h"

namespace logbus::tools {

enum class [[nodiscard]] Fed{
    kCommitted, kTooLarge,
    kNoRoom,   // and no sidecar that would make some
    kTimeout,  // a sidecar lives and made none
};

/// Attaches as a worker (and creates the bus if it is not there); all records go to one lane, in order.
/// Nothing is dropped: what is not committed is told.
class BusFeed {
 public:
  /// Throws Error naming the path; EAGAIN if no process slot or no lane is free.
  BusFeed(const shm::BusOptions& options, std::string process_name);
  ~BusFeed();
  BusFeed(const BusFeed&) = delete;
  BusFeed& operator=(const BusFeed&) = delete;

  /// A record without a site. Waits while a sidecar lives, at most `timeout` (none: as long as it takes).
  Fed put(std::string_view payload, int levelno, std::optional<std::chrono::nanoseconds> timeout);

  /// The longest payload that this bus takes.
  std::uint32_t max_payload() const noexcept;
  const std::string& path() const noexcept { return attachment_->segment().path(); }

 private:
  void attach();
  void detach() noexcept;
  bool try_put(std::string_view payload, std::uint32_t frame, int levelno) noexcept;
  bool sidecar_lives() const noexcept;

  shm::BusOptions options_;
  std::string process_name_;
  std::unique_ptr<shm::Attachment> attachment_;
  shm::LaneOwner lane_ = {};
};

}  // namespace logbus::tools
