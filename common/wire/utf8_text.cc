// SPDX-License-Identifier: MIT
// Strings of unknown encoding become UTF-8, byte by byte where they are not.
#include "wire/utf8_text.h"

#include <cstdint>
#include <cstring>

#include "record/utf8.h"

namespace logbus::wire {

namespace {

/// Whether the `Words` times eight bytes at `text` are all ASCII.
template <std::size_t Words>
bool is_ascii(const char* text) noexcept {
  std::uint64_t words[Words];
  std::memcpy(words, text, sizeof words);
  std::uint64_t bits = 0;
  for (const std::uint64_t word : words) bits |= word;
  return (bits & 0x8080808080808080U) == 0;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t left = text.size() - at;
    if (left >= 32 && is_ascii<4>(text.data() + at)) {
      at += 32;
    } else if (left >= 8 && is_ascii<1>(text.data() + at)) {
      at += 8;
    } else if (left < 8 && text.size() >= 8 && is_ascii<1>(text.data() + text.size() - 8)) {
      return true;
    } else if (record::next_code_point(text, at) == record::kInvalidCodePoint) {
      return false;
    }
  }
  return true;
}

void escape_invalid_utf8(std::string_view text, std::string& out) {
  constexpr char kDigits[] = "0123456789abcdef";
  out.clear();
  std::size_t at = 0;
  while (at < text.size()) {
    const std::size_t start = at;
    if (record::next_code_point(text, at) != record::kInvalidCodePoint) {
      out.append(text.substr(start, at - start));
    } else {
      const auto byte = static_cast<unsigned char>(text[start]);
      out.append({'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
}

}  // namespace logbus::wire
