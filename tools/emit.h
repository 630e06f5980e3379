// SPDX-License-Identifier: MIT
// `logbus emit`: lines become records.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <istream>
#include <optional>
#include <string>

#include "tools/bus_feed.h"

namespace logbus::tools {

struct EmitOptions {
  bool json = false;
  std::string name = "root";
  int level = 20;
  std::optional<std::chrono::nanoseconds> timeout;
};

struct EmitResult {
  std::uint64_t committed = 0;
  std::uint64_t bad = 0;  // lines that became no record
  bool complete = true;   // false: given up before the input's end
};

/// Puts a record a line onto the bus, in order. A line that can't become one is named on `errors` and left
/// out; where there is no room to wait for, it names the line and gives up.
EmitResult emit(std::istream& input, const EmitOptions& options, BusFeed& feed, std::FILE* errors);

}  // namespace logbus::tools
