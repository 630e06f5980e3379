// SPDX-License-Identifier: MIT
#include "formatters/text_lines.h"

#include <string_view>

namespace logbus::formatters {

List lines_of(const std::string& text) {
  List lines;
  std::size_t begin = 0;
  while (begin < text.size()) {
    std::size_t end = begin;
    std::size_t length = 0;  // of the line's end
    for (; end < text.size() && length == 0; ++end) {
      const std::string_view rest = std::string_view(text).substr(end);
      if (rest[0] == '\r') {
        length = rest.starts_with("\r\n") ? 2 : 1;
      } else if ((rest[0] >= '\n' && rest[0] <= '\f') || (rest[0] >= '\x1c' && rest[0] <= '\x1e')) {
        length = 1;
      } else if (rest.starts_with("\xC2\x85")) {
        length = 2;
      } else if (rest.starts_with("\xE2\x80\xA8") || rest.starts_with("\xE2\x80\xA9")) {
        length = 3;
      }
      if (length != 0) break;
    }
    lines.emplace_back(text.substr(begin, end - begin));
    begin = end + length;
  }
  return lines;
}

}  // namespace logbus::formatters
