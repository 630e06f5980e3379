// SPDX-License-Identifier: MIT
#include "sidecar/yaml_scalar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <regex>
#include <string>
#include <vector>

namespace logbus::sidecar {
namespace {

// The patterns are PyYAML's, so that the two can be compared by eye.
const std::regex& float_pattern() {
  static const std::regex pattern(R"([-+]?(?:[0-9][0-9_]*)\.[0-9_]*(?:[eE][-+][0-9]+)?)"
                                  R"(|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?)"
                                  R"(|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*)"
                                  R"(|[-+]?\.(?:inf|Inf|INF))"
                                  R"(|\.(?:nan|NaN|NAN))");
  return pattern;
}

const std::regex& integer_pattern() {
  static const std::regex pattern(R"([-+]?0b[0-1_]+)"
                                  R"(|[-+]?0[0-7_]+)"
                                  R"(|[-+]?(?:0|[1-9][0-9_]*))"
                                  R"(|[-+]?0x[0-9a-fA-F_]+)"
                                  R"(|[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+)");
  return pattern;
}

const std::regex& timestamp_pattern() {
  static const std::regex pattern(R"([0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9])"
                                  R"(|[0-9][0-9][0-9][0-9]-[0-9][0-9]?-[0-9][0-9]?)"
                                  R"((?:[Tt]|[ \t]+)[0-9][0-9]?)"
                                  R"(:[0-9][0-9]:[0-9][0-9](?:\.[0-9]*)?)"
                                  R"((?:[ \t]*(?:Z|[-+][0-9][0-9]?(?::[0-9][0-9])?))?)");
  return pattern;
}

// No number or date is longer than this; std::regex recurses once a character, so longer texts are not shown
// to it.
constexpr std::size_t kLongestPattern = 256;

bool matches(std::string_view text, const std::regex& pattern) {
  return std::regex_match(text.begin(), text.end(), pattern);
}

std::string without_underscores(std::string_view text) {
  std::string result(text);
  std::erase(result, '_');
  return result;
}

// Removes a sign from the front of `text`; true if it was a minus.
bool take_sign(std::string_view& text) {
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return false;
  const bool negative = text[0] == '-';
  text.remove_prefix(1);
  return negative;
}

bool digits_of(std::string_view text, int base, std::int64_t& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size() && value >= 0;
}

// Whether what matches the pattern is a moment that Python's datetime can hold.
bool is_real_time(std::string_view text) {
  std::vector<int> numbers;  // year, month, day, hour, minute, second
  while (numbers.size() < 6 && !text.empty()) {
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc()) break;
    numbers.push_back(number);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (numbers.size() < 6) text.remove_prefix(std::min(text.size(), text.find_first_of("0123456789")));
  }
  numbers.resize(6);
  const std::chrono::year_month_day date{std::chrono::year(numbers[0]),
                                         std::chrono::month(static_cast<unsigned>(numbers[1])),
                                         std::chrono::day(static_cast<unsigned>(numbers[2]))};
  const std::size_t sign = text.find_first_of("+-");
  if (sign != std::string_view::npos) {  // an offset of less than a day
    const std::string_view offset = text.substr(sign + 1);
    int hours = 0;
    int minutes = 0;
    const auto [end, error] = std::from_chars(offset.data(), offset.data() + offset.size(), hours);
    if (end != offset.data() + offset.size())
      std::from_chars(end + 1, offset.data() + offset.size(), minutes);
    if (hours * 60 + minutes >= 24 * 60) return false;
  }
  return numbers[0] >= 1 && date.ok() && numbers[3] < 24 && numbers[4] < 60 && numbers[5] < 60;
}

}  // namespace

Scalar construct_integer(std::string_view text) {
  const std::string plain = without_underscores(text);
  std::string_view digits = plain;
  const bool negative = take_sign(digits);
  std::int64_t value = 0;
  bool ok = true;
  if (digits == "0") {
    value = 0;
  } else if (digits.starts_with("0b")) {
    ok = digits_of(digits.substr(2), 2, value);
  } else if (digits.starts_with("0x")) {
    ok = digits_of(digits.substr(2), 16, value);
  } else if (digits.starts_with('0')) {
    ok = digits_of(digits, 8, value);
  } else if (digits.find(':') != std::string_view::npos) {  // base 60: 12:30:00
    while (ok) {
      const std::size_t colon = digits.find(':');
      std::int64_t part = 0;
      ok = digits_of(digits.substr(0, colon), 10, part) &&
           value <= (std::numeric_limits<std::int64_t>::max() - part) / 60;
      if (ok) value = value * 60 + part;
      if (colon == std::string_view::npos) break;
      digits.remove_prefix(colon + 1);
    }
  } else {
    ok = digits_of(digits, 10, value);
  }
  if (!ok) return BadScalar{};
  return negative ? -value : value;
}

Scalar construct_float(std::string_view text) {
  std::string plain = without_underscores(text);
  std::transform(plain.begin(), plain.end(), plain.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::string_view digits = plain;
  const double sign = take_sign(digits) ? -1.0 : 1.0;
  if (digits == ".inf") return sign * std::numeric_limits<double>::infinity();
  if (digits == ".nan") return std::numeric_limits<double>::quiet_NaN();
  double value = 0;
  while (!digits.empty()) {  // one part, or several in base 60: 190:20:30.15
    const std::size_t colon = digits.find(':');
    const std::string part(digits.substr(0, colon));
    char* end = nullptr;
    const double number = std::strtod(part.c_str(), &end);
    if (part.empty() || *end != '\0') return BadScalar{};
    value = value * 60 + number;
    if (colon == std::string_view::npos) return sign * value;
    digits.remove_prefix(colon + 1);
  }
  return BadScalar{};
}

Scalar resolve_scalar(std::string_view text) {
  static constexpr std::array kTrue{"yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"};
  static constexpr std::array kFalse{"no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"};
  static constexpr std::array kNull{"", "~", "null", "Null", "NULL"};
  if (std::find(kNull.begin(), kNull.end(), text) != kNull.end()) return NullScalar{};
  if (std::find(kTrue.begin(), kTrue.end(), text) != kTrue.end()) return true;
  if (std::find(kFalse.begin(), kFalse.end(), text) != kFalse.end()) return false;
  if (text == "<<") return MergeScalar{};
  if (text == "=") return BadScalar{};
  if (text.size() > kLongestPattern) return TextScalar{};
  if (matches(text, float_pattern())) return construct_float(text);
  if (matches(text, integer_pattern())) return construct_integer(text);
  if (matches(text, timestamp_pattern())) {
    if (is_real_time(text)) return TimestampScalar{};
    return BadScalar{};
  }
  return TextScalar{};
}

}  // namespace logbus::sidecar
