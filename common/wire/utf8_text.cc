// SPDX-License-Identifier: MIT
// Strings of unknown encoding become UTF-8, byte by byte where they are not.
#include "wire/utf8_text.h"

#include <cstdint>
#include <cstring>

#include "record/utf8.h"

namespace logbus::wire {

bool is_utf8(std::string_view text) noexcept {
  constexpr std::uint64_t kHighBits = 0x8080808080808080U;
  std::size_t at = 0;
  while (at < text.size()) {
    if (text.size() - at >= sizeof(std::uint64_t)) {
      std::uint64_t word;
      std::memcpy(&word, text.data() + at, sizeof word);
      if ((word & kHighBits) == 0) {
        at += sizeof word;
        continue;
      }
    }
    if (record::next_code_point(text, at) == record::kInvalidCodePoint) return false;
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
