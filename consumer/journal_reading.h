// SPDX-License-Identifier: MIT
// What a journal says (FORMAT.md, "The journal"), out of reach of whoever may write the segment.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "shm/segment.h"

namespace logbus::consumer {

/// All that a sealed batch has for one file, in its order.
struct FileJob {
  std::string path;
  shm::FileId id{};
  std::uint64_t offset = 0;
  std::string lines;
};

struct RotationJob {
  std::vector<std::pair<std::string, std::string>> renames;  // from, to
  std::vector<std::string> deletions;
  std::uint32_t step = shm::kBeforeRenames;
  shm::FileId source{};  // of the rename at hand
};

/// A copy, checked: its numbers are within their bounds, its names are absolute paths.
struct JournalContents {
  shm::JournalState state = shm::JournalState::kEmpty;
  std::string problem;  // if it makes no sense; then what follows the files is not to be used
  std::vector<std::string> files;
  // If it is sealed:
  std::vector<FileJob> jobs;
  std::vector<shm::JournalLane> lanes;
  std::vector<shm::JournalSlot> slots;
  std::uint64_t drained = 0, late = 0, truncated = 0, invalid_utf8 = 0, newest_ticks = 0, overwritten = 0,
                dropped_reported = 0;
  RotationJob rotation;  // if it is rotating
};

/// Throws Error if the segment can't be read now.
JournalContents read_journal(const shm::Segment& segment);

}  // namespace logbus::consumer
