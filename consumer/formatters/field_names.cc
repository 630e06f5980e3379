// SPDX-License-Identifier: MIT
#include "formatters/field_names.h"

namespace logbus::formatters {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

// What stands between `open` at `at` and the first `close` that leaves at least one character, if that is on
// one line; moves `at` behind it.
bool take_enclosed(std::string_view format, std::string_view open, char close, std::size_t& at,
                   std::vector<std::string>& names) {
  const std::size_t begin = at + open.size();
  if (!format.substr(at).starts_with(open) || begin >= format.size()) return false;
  const std::size_t end = format.find(close, begin + 1);
  if (end == std::string_view::npos) return false;
  const std::string_view name = format.substr(begin, end - begin);
  if (name.find('\n') != std::string_view::npos) return false;
  names.emplace_back(name);
  at = end + 1;
  return true;
}

bool take_dollar(std::string_view format, std::size_t& at, std::vector<std::string>& names) {
  if (format[at] != '$') return false;
  if (format.substr(at).starts_with("$$")) {
    at += 2;
    return true;
  }
  if (take_enclosed(format, "${", '}', at, names)) return true;
  std::size_t end = at + 1;
  while (end < format.size() &&
         (is_letter(format[end]) || (end > at + 1 && format[end] >= '0' && format[end] <= '9'))) {
    ++end;
  }
  if (end == at + 1) return false;
  names.emplace_back(format.substr(at + 1, end - at - 1));
  at = end;
  return true;
}

std::vector<std::string> separated(std::string_view format) {
  constexpr std::string_view kSpaces = " \t\n\r\f\v";
  std::vector<std::string> names;
  while (true) {
    const std::size_t comma = format.find(',');
    std::string_view name = format.substr(0, comma);
    const std::size_t first = name.find_first_not_of(kSpaces);
    if (first != std::string_view::npos)
      names.emplace_back(name.substr(first, name.find_last_not_of(kSpaces) - first + 1));
    if (comma == std::string_view::npos) return names;
    format.remove_prefix(comma + 1);
  }
}

}  // namespace

std::vector<std::string> field_names(std::string_view format, char style) {
  if (style == ',') return separated(format);
  std::vector<std::string> names;
  for (std::size_t at = 0; at < format.size();) {
    const bool taken = style == '%'   ? take_enclosed(format, "%(", ')', at, names)
                       : style == '{' ? take_enclosed(format, "{", '}', at, names)
                                      : take_dollar(format, at, names);
    if (!taken) ++at;
  }
  return names;
}

}  // namespace logbus::formatters
