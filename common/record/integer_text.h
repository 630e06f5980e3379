// SPDX-License-Identifier: MIT
// The digits of an integer.
#pragma once

#include <string>

#include <fmt/format.h>

namespace logbus::record {

template <class Integer>
void append_integer(Integer value, std::string& out) {
  const fmt::format_int digits(value);
  out.append(digits.data(), digits.size());
}

}  // namespace logbus::record
