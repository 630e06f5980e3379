// SPDX-License-Identifier: MIT
// Points in time as ISO 8601 and RFC 3339 have them.
#pragma once

#include <cstdint>
#include <string>

#include <logbus/formatter.h>
#include <logbus/value.h>

namespace logbus::formatters {

/// What append_rfc3339() takes for whole seconds: a Formatter, because it remembers the last one.
FormatterOptions rfc3339_seconds(bool utc);

/// RFC 3339 with `digits` of the second's fraction (0 to 9) and the offset: 2026-03-01T09:14:02.118000+01:00.
/// The nearest microsecond, as Python's datetime has it, cut to the digits; with 9 the nanoseconds as they
/// are.
void append_rfc3339(std::int64_t ns_since_epoch, const Formatter& seconds, int digits, std::string& out);

/// Python's datetime.fromtimestamp(created, tz=timezone.utc).isoformat(). Throws what Python raises where
/// `created` is beyond the years 1 to 9999.
void append_utc_isoformat(double created, std::string& out);

/// Local time: with `naive` Python's datetime.fromtimestamp(...).isoformat(), else RFC 3339 with
/// microseconds.
void append_iso_time(const TimePoint& time, bool naive, std::string& out);

}  // namespace logbus::formatters
