// SPDX-License-Identifier: MIT
// What must hold after a kill, wherever it came.
#pragma once

#include "operation.h"

namespace logbus::kill_points {

/// Looks at the dead process's traces, reads the bus with a new worker on it, and counts. Throws what is
/// wrong.
void check(const Stage& stage, const Operation& operation);

}  // namespace logbus::kill_points
