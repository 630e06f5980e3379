// SPDX-License-Identifier: MIT
// Tells whether an instruction has changed what a killed sidecar leaves in its segment.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "shm/segment.h"

namespace logbus::kill_points {

/// All tables of a segment and its journal; not the payload, of which nobody reads more than the journal
/// says, nor heartbeats and counts of passes.
class Watch {
 public:
  /// Nothing, if there is no such segment yet.
  explicit Watch(const std::string& path);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Since the last call.
  bool changed();
  /// As of the last call.
  shm::JournalState journal_state() const;

 private:
  struct Part {
    const std::byte* now;
    std::vector<std::byte> then;
  };

  const std::byte* file_ = nullptr;
  std::size_t size_ = 0;
  std::vector<Part> parts_;
  shm::JournalState journal_state_ = shm::JournalState::kEmpty;
  std::size_t journal_ = 0;  // its offset
};

}  // namespace logbus::kill_points
