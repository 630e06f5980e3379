// SPDX-License-Identifier: MIT
// Tells whether an instruction has changed what a killed sidecar leaves in its segments.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "shm/segment.h"

namespace logbus::kill_points {

/// All tables of the segments that are there now and their journals; not the payload, of which nobody reads
/// more than the journal says, nor heartbeats and counts of passes.
class Watch {
 public:
  explicit Watch(const std::string& directory);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Since the last call.
  bool changed();
  /// As of the last call; of the one that is not empty, if there is one.
  shm::JournalState journal_state() const;

 private:
  struct Part {
    const std::byte* now;
    std::vector<std::byte> then;
  };

  struct File {
    std::byte* begin;
    std::size_t size;
    const shm::JournalHeader* journal;
  };

  void add(const std::string& path);

  std::vector<File> files_;
  std::vector<Part> parts_;
  shm::JournalState journal_state_ = shm::JournalState::kEmpty;
};

}  // namespace logbus::kill_points
