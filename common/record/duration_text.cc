// SPDX-License-Identifier: MIT
// The durations and time points of std::chrono, rebuilt from the wire's numbers.
#include "record/duration_text.h"

#include <chrono>
#include <ratio>

#include <fmt/chrono.h>

#include "record/fmt_field.h"

namespace logbus::record {
namespace {

template <class Period>
void append_in(const Duration& duration, std::string_view spec, std::string& out) {
  std::visit(
      [&](auto count) { append_with_spec(std::chrono::duration<decltype(count), Period>(count), spec, out); },
      duration.count);
}

}  // namespace

void append_duration(const Duration& duration, std::string_view spec, std::string& out) {
  const auto is = [&](std::uint32_t numerator, std::uint32_t denominator) {
    return duration.numerator == numerator && duration.denominator == denominator;
  };
  if (is(1, 1)) return append_in<std::ratio<1>>(duration, spec, out);
  if (is(1, 1'000)) return append_in<std::milli>(duration, spec, out);
  if (is(1, 1'000'000)) return append_in<std::micro>(duration, spec, out);
  if (is(1, 1'000'000'000)) return append_in<std::nano>(duration, spec, out);
  if (is(60, 1)) return append_in<std::ratio<60>>(duration, spec, out);
  if (is(3600, 1)) return append_in<std::ratio<3600>>(duration, spec, out);
  // A ratio the table doesn't have: the worker sends those as text, so only foreign bytes come here.
  std::visit([&](auto count) { fmt::format_to(std::back_inserter(out), "{}", count); }, duration.count);
  fmt::format_to(std::back_inserter(out), "[{}/{}]s", duration.numerator, duration.denominator);
}

void append_time_point(const TimePoint& time, std::string_view spec, std::string& out) {
  append_with_spec(fmt::localtime(static_cast<std::time_t>(time.seconds)), spec.empty() ? "%F %T" : spec,
                   out);
}

}  // namespace logbus::record
