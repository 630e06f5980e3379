// SPDX-License-Identifier: MIT
#include "formatters/iso_time.h"

#include <cmath>
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

void append_with_offset(std::int64_t second, std::int64_t nanoseconds, bool utc, int digits,
                        std::string& out) {
  const std::tm parts = broken_down(second, utc);
  append_second(parts, out);
  if (digits > 0) {
    for (int digit = digits; digit < 9; ++digit) nanoseconds /= 10;
    fmt::format_to(std::back_inserter(out), ".{:0{}}", nanoseconds, digits);
  }
  const long minutes = std::labs(parts.tm_gmtoff) / 60;
  fmt::format_to(std::back_inserter(out), "{}{:02}:{:02}", parts.tm_gmtoff < 0 ? '-' : '+', minutes / 60,
                 minutes % 60);
}

}  // namespace

void append_rfc3339(std::int64_t ns_since_epoch, bool utc, int digits, std::string& out) {
  // A time that was Python's float is a few hundred nanoseconds off: the nearest microsecond is what was
  // meant.
  constexpr std::int64_t kMicrosecond = 1'000;
  if (digits < 9 && ns_since_epoch <= INT64_MAX - kMicrosecond) ns_since_epoch += kMicrosecond / 2;
  std::int64_t second = ns_since_epoch / kNanosecondsPerSecond;
  std::int64_t rest = ns_since_epoch % kNanosecondsPerSecond;
  if (rest < 0) {
    rest += kNanosecondsPerSecond;
    --second;
  }
  append_with_offset(second, rest, utc, digits, out);
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
  if (!naive) return append_with_offset(time.seconds, time.nanoseconds, false, 6, out);
  append_second(broken_down(time.seconds, false), out);
  const auto microseconds = time.nanoseconds / 1000;
  if (microseconds != 0) fmt::format_to(std::back_inserter(out), ".{:06}", microseconds);
}

}  // namespace logbus::formatters
