// SPDX-License-Identifier: MIT
// A worker process's place on a bus: the mapped segment and a process slot.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "shm/segment.h"

namespace logbus::shm {

/// Made by the first thread that logs; lives as long as the process, or until the bus is retired. A forked
/// child must forget it without destroying it (nothing of it is mapped there).
class Attachment {
 public:
  /// Attaches (creating the bus if it is not there), registers for membarrier, claims a slot. `process_name`
  /// "": the executable's name. Throws Error naming the path; EAGAIN if all slots are taken.
  static std::unique_ptr<Attachment> attach(const BusOptions& options, std::string_view process_name);
  /// Frees the slot if no lane of it is left undrained; the kernel's lock goes in any case.
  ~Attachment();

  Segment& segment() noexcept { return segment_; }
  const Segment& segment() const noexcept { return segment_; }
  ProcessSlot& slot() const noexcept { return segment_.slot(slot_index_); }
  std::uint32_t slot_index() const noexcept { return slot_index_; }
  /// No membarrier here: writers fence themselves.
  bool fenced() const noexcept { return fenced_; }
  /// The process's new name, for those who look from outside; records carry it from their next names frame
  /// on.
  void set_process_name(std::string_view name) noexcept;

 private:
  Attachment(Segment segment, std::string_view process_name);
  bool take_any_slot(std::string_view process_name);

  Segment segment_;
  LifeLock life_;
  std::uint32_t slot_index_ = 0;
  bool fenced_ = false;
};

}  // namespace logbus::shm
