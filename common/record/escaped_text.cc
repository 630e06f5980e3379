// SPDX-License-Identifier: MIT
#include "record/escaped_text.h"

#include <fmt/format.h>

#include "record/utf8.h"

namespace logbus::record {
namespace {

bool is_control(char32_t code_point) {
  return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0) || code_point == 0x2028 ||
         code_point == 0x2029 || code_point == kInvalidCodePoint;
}

void append_escape(char32_t code_point, std::string& out) {
  if (code_point == '\n') {
    out += "\\n";
  } else if (code_point == '\r') {
    out += "\\r";
  } else if (code_point == '\t') {
    out += "\\t";
  } else if (code_point < 0x100) {
    fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned>(code_point));
  } else {
    fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(code_point));
  }
}

// The first control character of `text` from `at` on, [at, end); at == end: there is none.
std::size_t find_control(std::string_view text, std::size_t& at, char32_t& code_point) {
  while (at < text.size()) {
    std::size_t end = at;
    code_point = next_code_point(text, end);
    if (is_control(code_point)) {
      if (code_point == kInvalidCodePoint) code_point = static_cast<unsigned char>(text[at]);
      return end;
    }
    at = end;
  }
  return at;
}

void append_escaped(std::string_view text, bool keep_tabs, std::string& out) {
  std::size_t plain = 0;  // begin of what is copied as it is
  for (std::size_t at = 0; at < text.size();) {
    char32_t code_point = 0;
    const std::size_t end = find_control(text, at, code_point);
    if (end != at && !(keep_tabs && code_point == '\t')) {
      out.append(text.substr(plain, at - plain));
      append_escape(code_point, out);
      plain = end;
    }
    at = end;
  }
  out.append(text.substr(plain));
}

}  // namespace

void escape_controls(std::string& out, std::size_t begin) {
  std::size_t at = begin;
  char32_t code_point = 0;
  if (find_control(out, at, code_point) == at) return;  // most texts
  const std::string tail = out.substr(at);
  out.resize(at);
  append_escaped(tail, false, out);
}

void append_indented_lines(std::string_view text, std::string& out) {
  while (!text.empty()) {
    const std::size_t length = text.find('\n');
    const std::string_view line = text.substr(0, length);
    if (!line.empty()) out += "    ";
    append_escaped(line, true, out);
    if (length == std::string_view::npos) return;
    out.push_back('\n');
    text.remove_prefix(length + 1);
  }
}

}  // namespace logbus::record
