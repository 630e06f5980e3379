// SPDX-License-Identifier: MIT
// An argument of a record that needs no memory of its own.
#pragma once

#include <cstdint>
#include <string_view>

namespace logbus::record {

/// A number, a bool, or a string that lies elsewhere. Trivial: arrays of it are not cleared.
struct Scalar {
  enum class Kind : std::uint8_t { kBool, kInt64, kUint64, kFloat, kDouble, kString };

  Kind kind;
  union {
    bool boolean;
    std::int64_t int64;
    std::uint64_t uint64;
    float float32;
    double float64;
    const char* string;
  };
  std::uint32_t size;  // of the string

  std::string_view text() const noexcept { return {string, size}; }
};

}  // namespace logbus::record
