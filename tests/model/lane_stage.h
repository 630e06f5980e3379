// SPDX-License-Identifier: MIT
// One lane whose writer goes from lap to lap and from step to step, while its reader reads and gives memory
// back.
#pragma once

#include <cstdint>

#include "machine.h"

namespace logbus::model {

struct LanePlan {
  std::uint64_t lane_size = 128;
  unsigned before = 0;   // records that have been written and read, and then one sweep, when all begins
  unsigned records = 4;  // after them
  std::uint32_t sizes[8] = {};  // of the frames; 0: the smallest that there is
  unsigned rounds = 3;          // of the reader: a pass, and a sweep if it `trims`
  bool trims = false;
  bool blocks = false;      // the writer waits for room
  bool overwrites = false;  // it never does: the lane is a ring of two blocks
};

struct LaneRun {
  Result result;
  double seconds;
};
LaneRun run(const LanePlan& plan, const Settings& settings, bool tell);

}  // namespace logbus::model
