// SPDX-License-Identifier: MIT
// Sizes and durations as people write them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace logbus::sidecar {

/// "50 ms", "10 s", "1.5 min": nothing if it isn't a duration. Units: ns us ms s min h.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// "64 MiB", "500 kB", "4096": nothing if it isn't a size. Units: B, kB MB GB, KiB MiB GiB.
std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace logbus::sidecar
