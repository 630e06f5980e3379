// SPDX-License-Identifier: MIT
// What dump, stat and ls say of a bus in the same words.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "shm/snapshot.h"

namespace logbus::tools {

/// A counter or a word of state that others write while we look: nothing is read after it because of it.
template <class Word>
auto load(const Word& word) {
  return word.load(std::memory_order_relaxed);
}

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
