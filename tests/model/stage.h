// SPDX-License-Identifier: MIT
// What the scenarios share: lanes in the machine's memory, writers that put records into them, the reader's
// checks.
#pragma once

#include <cstdint>

#include <logbus/detail/lane_writer.h>
#include "machine.h"
#include "merge.h"
#include "shm/caretaker.h"
#include "shm/segment.h"

namespace logbus::model {

inline constexpr unsigned kWriters = shm::kModelLanes;
inline constexpr unsigned kMostRecords = 8;

struct Plan {
  unsigned writers = 2;
  unsigned records = 2;  // each
  unsigned passes = 2;
  bool fenced = false;  // writers without membarrier
  bool sleeps = false;  // the reader sleeps between its passes
  // What is checked, so that a mutant is caught by the very promise that it breaks.
  bool order = true;
  bool progress = true;  // a pass while no writer is at work gives all there is
};

/// What really happened, for the checks: nobody in the protocol reads it.
struct Truth {
  std::uint64_t stamps[kWriters][kMostRecords];
  unsigned stamped[kWriters];
  bool in_call[kWriters];
  unsigned given[kWriters];
  std::uint64_t last_given;
  // Where the reader is when it forgets what it has seen, and what it will go by.
  unsigned pass;
  bool rested;
  bool found_nothing;
};
inline Truth truth;

struct Run {
  Result result;
  double seconds;
};
Run run(const Plan& plan, const Settings& settings, bool tell);

}  // namespace logbus::model
