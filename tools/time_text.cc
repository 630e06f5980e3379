// SPDX-License-Identifier: MIT
// Times and durations as people type and read them.
#include "tools/time_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

namespace logbus::tools {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
// What a signed 64-bit count of nanoseconds can hold, with a day to spare.
constexpr std::int64_t kFarthestSecond = 9'223'372'036 - 86'400;

struct Unit {
  std::string_view name;
  double ns;
};
constexpr std::array<Unit, 26> kUnits = {{
    {"us", 1e3},
    {"ms", 1e6},
    {"s", 1e9},
    {"sec", 1e9},
    {"secs", 1e9},
    {"second", 1e9},
    {"seconds", 1e9},
    {"m", 60e9},
    {"min", 60e9},
    {"mins", 60e9},
    {"minute", 60e9},
    {"minutes", 60e9},
    {"h", 3600e9},
    {"hr", 3600e9},
    {"hrs", 3600e9},
    {"hour", 3600e9},
    {"hours", 3600e9},
    {"d", 86400e9},
    {"day", 86400e9},
    {"days", 86400e9},
    {"w", 7 * 86400e9},
    {"week", 7 * 86400e9},
    {"weeks", 7 * 86400e9},
    {"\xC2\xB5s", 1e3},
    {"millis", 1e6},
    {"milliseconds", 1e6},
}};

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// Reads exactly `digits` digits.
bool take_number(std::string_view& text, std::size_t digits, int& value) {
  if (text.size() < digits) return false;
  value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return false;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return true;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

bool take_fraction(std::string_view& text, std::int64_t& ns) {
  std::int64_t scale = kSecond / 10;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits) {
    ns += (text[digits] - '0') * scale;
    scale /= 10;
  }
  text.remove_prefix(digits);
  return digits > 0;
}

struct ClockTime {
  int hour = 0;
  int minute = 0;
  int second = 0;
  std::int64_t ns = 0;
};

bool take_clock_time(std::string_view& text, ClockTime& time) {
  if (!take_number(text, 2, time.hour) || !take(text, ':') || !take_number(text, 2, time.minute))
    return false;
  if (take(text, ':')) {
    if (!take_number(text, 2, time.second)) return false;
    if ((take(text, '.') || take(text, ',')) && !take_fraction(text, time.ns)) return false;
  }
  return time.hour <= 24 && time.minute < 60 && time.second <= 60;
}

/// "Z", "+01:00", "-0530", "+01"; nothing there is right too.
bool take_offset(std::string_view& text, std::optional<int>& seconds) {
  if (text.empty()) return true;
  if (take(text, 'Z') || take(text, 'z')) {
    seconds = 0;
    return text.empty();
  }
  const bool west = text.front() == '-';
  if (!take(text, '+') && !take(text, '-')) return false;
  int hours = 0;
  int minutes = 0;
  if (!take_number(text, 2, hours)) return false;
  take(text, ':');
  if (!text.empty() && !take_number(text, 2, minutes)) return false;
  if (hours > 23 || minutes > 59) return false;
  seconds = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
  return text.empty();
}

std::tm broken_down(std::int64_t ns, bool utc) {
  const std::time_t second = ns / kSecond - (ns % kSecond < 0 ? 1 : 0);
  std::tm tm = {};
  utc ? ::gmtime_r(&second, &tm) : ::localtime_r(&second, &tm);
  return tm;
}

std::optional<std::int64_t> to_ns(std::tm tm, const ClockTime& time, bool utc) {
  tm.tm_hour = time.hour;
  tm.tm_min = time.minute;
  tm.tm_sec = time.second;
  tm.tm_isdst = -1;
  const std::time_t second = utc ? ::timegm(&tm) : ::mktime(&tm);
  if (second > kFarthestSecond || second < -kFarthestSecond) return std::nullopt;
  return second * kSecond + time.ns;
}

std::optional<std::int64_t> parse_calendar(std::string_view text, bool utc) {
  int year = 0;
  int month = 0;
  int day = 0;
  if (!take_number(text, 4, year) || !take(text, '-') || !take_number(text, 2, month) || !take(text, '-') ||
      !take_number(text, 2, day) || month < 1 || month > 12 || day < 1 || day > 31)
    return std::nullopt;
  ClockTime time;
  std::optional<int> offset;
  if (take(text, 'T') || take(text, 't') || take(text, ' ')) {
    if (!take_clock_time(text, time) || !take_offset(text, offset)) return std::nullopt;
  }
  if (!text.empty()) return std::nullopt;
  std::tm tm = {};
  tm.tm_year = year - 1900;
  tm.tm_mon = month - 1;
  tm.tm_mday = day;
  const auto ns = to_ns(tm, time, utc || offset.has_value());
  // The calendar takes 30 February as a day in March: not what was meant.
  std::tm check = tm;
  ::timegm(&check);
  if (!ns || check.tm_mday != day) return std::nullopt;
  return *ns - std::int64_t{offset.value_or(0)} * kSecond;
}

}  // namespace

std::string format_time(std::int64_t ns, bool utc, int digits) {
  const std::tm tm = broken_down(ns, utc);
  const std::int64_t fraction = (ns % kSecond + kSecond) % kSecond;
  std::string text = fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", tm.tm_year + 1900, tm.tm_mon + 1,
                                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
  if (digits > 0) text += fmt::format(".{:09}", fraction).substr(0, static_cast<std::size_t>(digits) + 1);
  const long offset = tm.tm_gmtoff / 60;
  text += fmt::format("{}{:02}:{:02}", offset < 0 ? '-' : '+', std::abs(offset) / 60, std::abs(offset) % 60);
  return text;
}

std::optional<std::int64_t> parse_duration(std::string_view text) {
  text = trim(text);
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || number < 0) return std::nullopt;
  const std::string_view unit = trim(text.substr(static_cast<std::size_t>(end - text.data())));
  for (const Unit& known : kUnits) {
    if (known.name != unit) continue;
    const double ns = number * known.ns;
    if (!(ns < static_cast<double>(kFarthestSecond) * 1e9)) return std::nullopt;
    return std::llround(ns);
  }
  return std::nullopt;
}

std::optional<std::int64_t> parse_time(std::string_view text, std::int64_t now_ns, bool utc) {
  text = trim(text);
  if (text == "now") return now_ns;
  if (text == "today") return to_ns(broken_down(now_ns, utc), {}, utc);
  if (text == "yesterday") {
    std::tm tm = broken_down(now_ns, utc);
    --tm.tm_mday;
    return to_ns(tm, {}, utc);
  }
  std::optional<std::int64_t> ago;
  if (text.starts_with('-')) ago = parse_duration(text.substr(1));
  if (text.ends_with(" ago")) ago = parse_duration(text.substr(0, text.size() - 4));
  if (ago) return now_ns - *ago;
  if (text.size() >= 3 && text[2] == ':') {
    ClockTime time;
    if (!take_clock_time(text, time) || !text.empty()) return std::nullopt;
    return to_ns(broken_down(now_ns, utc), time, utc);
  }
  return parse_calendar(text, utc);
}

}  // namespace logbus::tools
