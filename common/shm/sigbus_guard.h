// SPDX-License-Identifier: MIT
// A segment that somebody truncates must not kill its reader.
#pragma once

#include "shm/segment.h"

namespace logbus::shm {

/// From now on a SIGBUS in the segment's lane data puts zero pages over the rest of that lane and goes on:
/// the frame being read fails its checks, the lane is quarantined. Any other SIGBUS kills as it would have.
/// One segment a process; for processes that own their signals, so not for workers. Throws Error.
void guard_lane_data(const Segment& segment);

}  // namespace logbus::shm
