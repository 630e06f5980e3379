// SPDX-License-Identifier: MIT
#include "handlers/url_text.h"

#include <cstdint>

#include "record/value_text.h"

namespace logbus::handlers {
namespace {

constexpr bool is_plain(unsigned char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') ||
         byte == '_' || byte == '.' || byte == '-' || byte == '~';
}

}  // namespace

void append_quoted(std::string_view text, std::string& out) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (is_plain(byte)) {
      out += character;
    } else if (byte == ' ') {
      out += '+';
    } else {
      out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
    }
  }
}

std::string url_encoded(const Fields& fields) {
  std::string out, text;
  for (const auto& [name, value] : fields) {
    if (!out.empty()) out += '&';
    append_quoted(name, out);
    out += '=';
    text.clear();
    record::append_str(value, text);
    append_quoted(text, out);
  }
  return out;
}

std::string base64(std::string_view bytes) {
  constexpr char kDigits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t index = at; index < at + 3; ++index)
      group = group << 8 | (index < bytes.size() ? static_cast<unsigned char>(bytes[index]) : 0U);
    for (unsigned digit = 0; digit < 4; ++digit)
      out += at + digit <= bytes.size() ? kDigits[group >> (18 - 6 * digit) & 63] : '=';
  }
  return out;
}

}  // namespace logbus::handlers
