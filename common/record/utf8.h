// SPDX-License-Identifier: MIT
// UTF-8 by code points: Python counts widths and lengths in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace logbus::record {

inline constexpr char32_t kInvalidCodePoint = 0xFFFFFFFF;

/// Code points of `text`; each byte that does not belong to a sequence's tail counts, so that broken text
/// still has a length.
inline std::size_t count_code_points(std::string_view text) noexcept {
  std::size_t count = 0;
  for (const char byte : text) count += (static_cast<unsigned char>(byte) & 0xC0) != 0x80 ? 1U : 0U;
  return count;
}

/// Bytes that the first `count` code points of `text` take; all of it if there are not so many.
inline std::size_t code_point_prefix(std::string_view text, std::size_t count) noexcept {
  std::size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) continue;
    if (count == 0) break;
    --count;
  }
  return at;
}

/// Reads the code point at `at` and moves behind it. A byte that starts no valid sequence is given as
/// kInvalidCodePoint, one byte long.
inline char32_t next_code_point(std::string_view text, std::size_t& at) noexcept {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const unsigned lead = byte(at);
  if (lead < 0x80) {
    ++at;
    return lead;
  }
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) {
    ++at;
    return kInvalidCodePoint;
  }
  char32_t code_point = lead & (0xFFU >> (length + 1));
  for (std::size_t index = at + 1; index < at + length; ++index) {
    if ((byte(index) & 0xC0) != 0x80) {
      ++at;
      return kInvalidCodePoint;
    }
    code_point = (code_point << 6) | (byte(index) & 0x3FU);
  }
  if (code_point < kSmallest[length] || code_point > 0x10FFFF ||
      (code_point >= 0xD800 && code_point < 0xE000)) {
    ++at;
    return kInvalidCodePoint;
  }
  at += length;
  return code_point;
}

/// Appends a code point up to 0x10FFFF.
inline void append_code_point(std::string& out, char32_t code_point) {
  const auto tail = [&](unsigned shift) {
    out.push_back(static_cast<char>(0x80U | ((code_point >> shift) & 0x3FU)));
  };
  if (code_point < 0x80) {
    out.push_back(static_cast<char>(code_point));
  } else if (code_point < 0x800) {
    out.push_back(static_cast<char>(0xC0U | (code_point >> 6)));
    tail(0);
  } else if (code_point < 0x10000) {
    out.push_back(static_cast<char>(0xE0U | (code_point >> 12)));
    tail(6);
    tail(0);
  } else {
    out.push_back(static_cast<char>(0xF0U | (code_point >> 18)));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace logbus::record
