// SPDX-License-Identifier: MIT
// Points in time and durations as fmt prints them.
#pragma once

#include <string>
#include <string_view>

#include <logbus/value.h>

namespace logbus::record {

/// What fmt gives for the std::chrono::duration that the call had; `spec` is what followed the colon.
/// Throws fmt::format_error if the spec doesn't fit.
void append_duration(const Duration& duration, std::string_view spec, std::string& out);

/// What fmt gives for the time point, in the local zone.
void append_time_point(const TimePoint& time, std::string_view spec, std::string& out);

}  // namespace logbus::record
