// SPDX-License-Identifier: MIT
// What must hold after a kill, wherever it came.
#pragma once

#include <cstdint>
#include <string>

#include "operation.h"

namespace logbus::kill_points {

/// Looks at the dead process's traces, reads the bus with a new worker on it, and counts. Throws what is
/// wrong.
void check(const Stage& stage, const Operation& operation);
/// Nobody is attached, and nothing is held: lanes, slots, memory. The drops that there have been, all told.
std::uint64_t check_given_back(const Stage& stage, const std::string& bus);

}  // namespace logbus::kill_points
