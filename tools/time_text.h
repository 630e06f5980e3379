// SPDX-License-Identifier: MIT
// Times and durations as people type and read them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace logbus::tools {

/// "2026-03-01T09:14:02.118204+01:00": local time, or UTC. `digits` of the fraction: 0, 3, 6 or 9.
std::string format_time(std::int64_t ns, bool utc, int digits = 6);

/// RFC 3339 ("2026-03-01T09:14:02.5+01:00"; without an offset local time, or UTC if `utc`; a space for the T;
/// seconds, or the whole time of day, may be missing), "09:14[:02]" of today, "now", "today", "yesterday",
/// "10 min ago", "-5m". Nanoseconds since the epoch; nothing if it is none of these.
std::optional<std::int64_t> parse_time(std::string_view text, std::int64_t now_ns, bool utc);

/// "500 ms", "10s", "1.5 min", "2 hours": nanoseconds; nothing without a number and a unit (us ms s m h d w).
std::optional<std::int64_t> parse_duration(std::string_view text);

}  // namespace logbus::tools
