// SPDX-License-Identifier: MIT
// Foreign text on a terminal.
#include "tools/escape.h"

#include "record/utf8.h"

namespace logbus::tools {
namespace {

void append_hex(unsigned value, std::string& out) {
  constexpr char kHex[] = "0123456789abcdef";
  out += "\\x";
  out += kHex[(value >> 4) & 15];
  out += kHex[value & 15];
}

}  // namespace

void append_escaped(std::string_view text, std::string& out) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t code_point = record::next_code_point(text, at);
    if (code_point == record::kInvalidCodePoint) {
      append_hex(static_cast<unsigned char>(text[begin]), out);
    } else if (code_point == '\n') {
      out += "\\n";
    } else if (code_point == '\r') {
      out += "\\r";
    } else if (code_point == '\t') {
      out += "\\t";
    } else if (code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0)) {
      append_hex(static_cast<unsigned>(code_point), out);
    } else {
      out.append(text, begin, at - begin);
    }
  }
}

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(text, out);
  return out;
}

void append_quoted_if_needed(std::string_view text, std::string& out) {
  if (!text.empty() && text.find_first_of(" \"=") == text.npos) return append_escaped(text, out);
  out += '"';
  for (const char c : escaped(text)) {
    if (c == '"') out += '\\';
    out += c;
  }
  out += '"';
}

}  // namespace logbus::tools
