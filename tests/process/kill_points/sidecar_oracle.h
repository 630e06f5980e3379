// SPDX-License-Identifier: MIT
// What must hold once another sidecar has finished what a killed one had begun.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "stage.h"

namespace logbus::kill_points {

using Files = std::map<std::string, std::string>;

/// In a process of its own: a sidecar drains all, takes back what the dead have held, and ends. Throws if the
/// bus is not as it should be then.
void finish_bus(const Stage& stage);
/// The end of a line of somebody else.
inline constexpr std::string_view kForeign = "somebody else";
/// What the handlers have written, by name: without times of day and lines of others. What all.log has not is
/// in moved.log, if that is there.
Files files_of(const Stage& stage);
/// Each file with those that it was before its rotations, in front of it; at most nine.
Files joined(const Files& files);
/// Every record once and whole, in order, and all drops told: by the file that has all of them.
void check_records_of(const Stage& stage, const Files& files);
/// Nothing but these.
void check_files(const Files& files, const Files& wanted);

}  // namespace logbus::kill_points
