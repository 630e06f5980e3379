// SPDX-License-Identifier: MIT
// One argument or extra field of a record, as it came off the wire.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

class Value;

struct None {
  bool operator==(const None&) const = default;
};
/// An address: `const void*` in the worker, a number here, never dereferenced.
struct Pointer {
  std::uint64_t address = 0;
  bool operator==(const Pointer&) const = default;
};
/// Text that the worker made with the field's own spec; merged as it is.
struct Text {
  std::string text;
  bool operator==(const Text&) const = default;
};
/// A system_clock time point: seconds since the epoch (floored) and nanoseconds within the second.
struct TimePoint {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  bool operator==(const TimePoint&) const = default;
};
/// A std::chrono::duration: `count` units of numerator/denominator seconds.
struct Duration {
  std::uint32_t numerator = 1;
  std::uint32_t denominator = 1;
  std::variant<std::int64_t, double> count = std::int64_t{0};
  bool operator==(const Duration&) const = default;
};
using List = std::vector<Value>;
struct Tuple {
  List items;
  bool operator==(const Tuple&) const;
};
struct Set {
  List items;
  bool operator==(const Set&) const;
};
/// In insertion order, like Python's dict.
using Dict = std::vector<std::pair<Value, Value>>;

/// A tagged value of the types in the argument table (FORMAT.md). Unsigned only above INT64_MAX.
class Value {
 public:
  using Variant = std::variant<None, bool, std::int64_t, std::uint64_t, float, double, char, std::string,
                               Pointer, Text, TimePoint, Duration, List, Tuple, Set, Dict>;

  Value() = default;
  template <class T>
  requires std::is_constructible_v<Variant, T> &&
      (!std::is_same_v<std::remove_cvref_t<T>, Value>)Value(T&& value)
      : variant_(std::forward<T>(value)) {}            // NOLINT: implicit, a Value is what it holds
  Value(int value) : variant_(std::int64_t{value}) {}  // NOLINT
  Value(std::string_view value) : variant_(std::string(value)) {}  // NOLINT
  Value(const char* value) : variant_(std::string(value)) {}       // NOLINT

  const Variant& variant() const noexcept { return variant_; }
  Variant& variant() noexcept { return variant_; }
  template <class T>
  const T* get_if() const noexcept {
    return std::get_if<T>(&variant_);
  }
  template <class T>
  T* get_if() noexcept {
    return std::get_if<T>(&variant_);
  }
  bool is_none() const noexcept { return std::holds_alternative<None>(variant_); }
  bool operator==(const Value&) const = default;

 private:
  Variant variant_;
};

inline bool Tuple::operator==(const Tuple& other) const {
  return items == other.items;
}
inline bool Set::operator==(const Set& other) const {
  return items == other.items;
}

}  // namespace abi1
}  // namespace logbus
