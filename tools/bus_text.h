// SPDX-License-Identifier: MIT
// What dump, stat and ls say of a bus in the same words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shm/snapshot.h"

namespace logbus::tools {

/// "orders" of "/dev/shm/orders.logbus"; of another file its name.
std::string bus_name(const std::string& path);
/// The first eight hexadecimal digits, or all of them with dashes.
std::string short_uuid(const shm::Preamble& preamble);
std::string long_uuid(const shm::Preamble& preamble);
std::string_view clock_name(detail::ClockSource source);
std::string_view life_name(shm::Life life);
/// 184220113 -> "184,220,113"
std::string grouped(std::uint64_t number);
/// "64 KiB", "11.2 MiB": binary units.
std::string binary_size(std::uint64_t bytes);
/// "21.1 GB": decimal units.
std::string decimal_size(std::uint64_t bytes);

}  // namespace logbus::tools
