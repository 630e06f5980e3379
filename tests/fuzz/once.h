// SPDX-License-Identifier: MIT
// One function a fuzz target: what must hold of any bytes. Each aborts where it does not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>

namespace logbus::fuzz {

using Bytes = std::span<const std::byte>;

/// A segment that the bytes write to, read by the drain, `dump` and `stat`.
void segment_once(Bytes bytes);
/// What a killed sidecar has left to do, as recovery does it.
void journal_once(Bytes bytes);
/// A configuration file.
void config_once(Bytes bytes);
/// Formats of messages and of lines, and arguments for them.
void format_once(Bytes bytes);
/// A line for `logbus emit --json`.
void emit_once(Bytes bytes);

inline void require(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "broken: %s\n", promise);
  std::abort();
}

/// Takes numbers and texts from the front of the input; zeros and "" when there is no more.
class Input {
 public:
  explicit Input(Bytes bytes) : bytes_(bytes) {}
  bool empty() const { return bytes_.empty(); }
  template <class T = std::uint8_t>
  T number() {
    T value = 0;
    const std::size_t n = std::min(sizeof value, bytes_.size());
    std::memcpy(&value, bytes_.data(), n);
    bytes_ = bytes_.subspan(n);
    return value;
  }
  std::size_t below(std::size_t n) { return number<std::uint8_t>() % n; }
  Bytes take(std::size_t size) {
    const Bytes taken = bytes_.first(std::min(size, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }
  /// As long as its first byte says.
  std::string text() {
    const Bytes taken = take(number<std::uint8_t>());
    return {reinterpret_cast<const char*>(taken.data()), taken.size()};
  }
  Bytes rest() { return take(bytes_.size()); }

 private:
  Bytes bytes_;
};

}  // namespace logbus::fuzz
