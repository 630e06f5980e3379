// SPDX-License-Identifier: MIT
#include "formatters/iso_time.h"

#include <cmath>
#include <cstdlib>
#include <ctime>

#include <fmt/format.h>

#include "record/python_error.h"

namespace logbus::formatters {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

std::tm broken_down(std::int64_t second, bool utc) {
  std::tm parts{};
  const auto time = static_cast<std::time_t>(second);
  if ((utc ? gmtime_r(&time, &parts) : localtime_r(&time, &parts)) == nullptr) {
    record::throw_overflow_error("timestamp out of range for platform time_t");
  }
  return parts;
}

void append_second(const std::tm& parts, std::string& out) {
  fmt::format_to(std::back_inserter(out), "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}", parts.tm_year + 1900L,
                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

void append_fraction(std::int64_t nanoseconds, int digits, std::string& out) {
  if (digits == 0) return;
  for (int digit = digits; digit < 9; ++digit) nanoseconds /= 10;
  fmt::format_to(std::back_inserter(out), ".{:0{}}", nanoseconds, digits);
}

}  // namespace

FormatterOptions rfc3339_seconds(bool utc) {
  return {.utc = utc, .default_time_format = "%Y-%m-%dT%H:%M:%S%z", .default_msec_format = ""};
}

void append_rfc3339(std::int64_t ns_since_epoch, const Formatter& seconds, int digits, std::string& out) {
  // A time that was Python's float is a few hundred nanoseconds off: the nearest microsecond is what was
  // meant.
  constexpr std::int64_t kMicrosecond = 1'000;
  if (digits < 9 && ns_since_epoch <= INT64_MAX - kMicrosecond) ns_since_epoch += kMicrosecond / 2;
  std::int64_t rest = ns_since_epoch % kNanosecondsPerSecond;
  if (rest < 0) rest += kNanosecondsPerSecond;
  LogRecord at;
  at.created_ns = ns_since_epoch - rest;
  seconds.format_time(at, out);  // ...:02+0100
  constexpr std::size_t kOffset = 5;
  const std::string offset = out.substr(out.size() - kOffset);
  out.resize(out.size() - kOffset);
  append_fraction(rest, digits, out);
  out.append(offset, 0, 3);
  out.push_back(':');
  out.append(offset, 3);
}

void append_utc_isoformat(double created, std::string& out) {
  constexpr double kYear10000 = 253402300800.0;
  constexpr double kYear1 = -62135596800.0;
  double whole = 0;
  // Python rounds half to even, as nearbyint does.
  double microseconds = std::nearbyint(std::modf(created, &whole) * 1e6);
  if (microseconds >= 1e6) {
    whole += 1;
    microseconds -= 1e6;
  } else if (microseconds < 0) {
    whole -= 1;
    microseconds += 1e6;
  }
  if (!(whole >= kYear1 && whole < kYear10000)) record::throw_value_error("year is out of range");
  append_second(broken_down(static_cast<std::int64_t>(whole), true), out);
  if (microseconds != 0) fmt::format_to(std::back_inserter(out), ".{:06}", static_cast<int>(microseconds));
  out += "+00:00";
}

void append_iso_time(const TimePoint& time, bool naive, std::string& out) {
  const std::tm parts = broken_down(time.seconds, false);
  append_second(parts, out);
  if (!naive || time.nanoseconds >= 1000) append_fraction(time.nanoseconds, 6, out);
  if (naive) return;
  const long minutes = std::labs(parts.tm_gmtoff) / 60;
  fmt::format_to(std::back_inserter(out), "{}{:02}:{:02}", parts.tm_gmtoff < 0 ? '-' : '+', minutes / 60,
                 minutes % 60);
}

}  // namespace logbus::formatters
