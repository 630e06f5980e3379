// SPDX-License-Identifier: MIT
#include "rollover_clock.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>

#include <logbus/error.h>

namespace logbus::handlers {
namespace {

constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;
constexpr std::int64_t kWeek = 7 * kDay;
// Far beyond all use, and near enough for each sum of times to be one that localtime_r knows the year of.
constexpr double kLongestInterval = 1e15;

constexpr char kForm[] = "0000-00-00_00-00-00";

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

bool has_form(std::string_view text, std::string_view form) noexcept {
  return std::equal(text.begin(), text.end(), form.begin(), form.end(),
                    [](char c, char wanted) { return wanted == '0' ? is_digit(c) : c == wanted; });
}

// Python counts from Monday.
int weekday_of(const std::tm& parts) noexcept {
  return (parts.tm_wday + 6) % 7;
}

}  // namespace

RolloverClock::RolloverClock(const TimedRotatingOptions& options)
    : utc_(options.utc), first_rules_(options.compatibility.python_minor <= 12) {
  set_when(options.when);
  const double seconds = static_cast<double>(unit_) * options.interval;
  if (!(seconds >= 0) || seconds > kLongestInterval || seconds != std::floor(seconds)) {
    throw Error("Invalid rollover interval specified: " + std::to_string(seconds) + " seconds");
  }
  interval_ = static_cast<std::int64_t>(seconds);
  if (!options.suffix.empty()) date_format_ = options.suffix;
  turn_of_day_ = options.at_time ? options.at_time->count() : kDay;
  if (options.at_time && (turn_of_day_ < 0 || turn_of_day_ >= kDay)) {
    throw Error("a rollover's time of day is " + std::to_string(turn_of_day_) +
                " seconds after midnight, not 0 to 86399");
  }
}

void RolloverClock::set_when(std::string when) {
  std::transform(when.begin(), when.end(), when.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  const auto set = [this](std::int64_t unit, const char* format, std::size_t form_size) {
    unit_ = unit;
    date_format_ = format;
    date_form_ = std::string_view(kForm).substr(0, form_size);
  };
  if (when == "S") return set(1, "%Y-%m-%d_%H-%M-%S", 19);
  if (when == "M") return set(kMinute, "%Y-%m-%d_%H-%M", 16);
  if (when == "H") return set(kHour, "%Y-%m-%d_%H", 13);
  if (when == "D" || when == "MIDNIGHT") {
    if (when != "D") alignment_ = Alignment::kDay;
    return set(kDay, "%Y-%m-%d", 10);
  }
  if (when.empty() || when.front() != 'W') throw Error("Invalid rollover interval specified: " + when);
  if (when.size() != 2) {
    throw Error("You must specify a day for weekly rollover from 0 to 6 (0 is Monday): " + when);
  }
  if (when[1] < '0' || when[1] > '6') throw Error("Invalid day specified for weekly rollover: " + when);
  weekday_ = when[1] - '0';
  alignment_ = Alignment::kWeek;
  set(kWeek, "%Y-%m-%d", 10);
}

std::int64_t RolloverClock::rollover_after(std::int64_t time) const {
  if (alignment_ == Alignment::kNone) return time + interval_;
  const std::tm parts = broken_down(time);
  std::int64_t wait = turn_of_day_ - ((parts.tm_hour * 60 + parts.tm_min) * 60 + parts.tm_sec);
  int day = weekday_of(parts);
  if (first_rules_ ? wait < 0 : wait <= 0) {
    wait += kDay;
    day = (day + 1) % 7;
  }
  std::int64_t rollover = time + wait;
  if (alignment_ == Alignment::kWeek) rollover += (weekday_ - day + 7) % 7 * kDay;
  if (first_rules_) {  // the interval counts from the next rollover on; daylight saving, if days are waited
                       // for
    const bool waits = alignment_ == Alignment::kWeek && day != weekday_;
    return waits && !utc_ ? with_daylight_saving(rollover, parts.tm_isdst > 0) : rollover;
  }
  rollover += interval_ - unit_;
  return utc_ ? rollover : with_daylight_saving(rollover, parts.tm_isdst > 0);
}

std::int64_t RolloverClock::rollover_after_rollover(std::int64_t now) const {
  std::int64_t rollover = rollover_after(now);
  if (!first_rules_) return rollover;
  while (rollover <= now && interval_ > 0) rollover += interval_;
  if (alignment_ == Alignment::kNone || utc_) return rollover;
  return with_daylight_saving(rollover, has_daylight_saving(now));
}

// `rollover` was counted in days of 24 hours: back to the same time of day, if the clock is changed
// meanwhile.
std::int64_t RolloverClock::with_daylight_saving(std::int64_t rollover, bool saving_now) const {
  if (has_daylight_saving(rollover) == saving_now) return rollover;
  if (saving_now) return rollover + kHour;
  // An hour earlier may be before the change: in the hour that is left out.
  return first_rules_ || has_daylight_saving(rollover - kHour) ? rollover - kHour : rollover;
}

std::string RolloverClock::date_of(std::int64_t rollover_at, std::int64_t now) const {
  const std::int64_t start = rollover_at - interval_;
  std::tm parts = broken_down(start);
  if (!utc_) {
    const bool saving_now = has_daylight_saving(now);
    if (saving_now != (parts.tm_isdst > 0)) parts = broken_down(start + (saving_now ? kHour : -kHour));
  }
  std::array<char, 512> text;
  return {text.data(), std::strftime(text.data(), text.size(), date_format_.c_str(), &parts)};
}

bool RolloverClock::is_date(std::string_view text) const noexcept {
  return has_form(text, date_form_);
}

std::size_t RolloverClock::find_date(std::string_view name, std::size_t from) const noexcept {
  for (std::size_t at = from; at + date_size() <= name.size(); ++at) {
    const std::size_t end = at + date_size();
    const bool alone = (at == 0 || !is_digit(name[at - 1])) && (end == name.size() || !is_digit(name[end]));
    if (alone && is_date(name.substr(at, date_size()))) return at;
  }
  return std::string_view::npos;
}

std::tm RolloverClock::broken_down(std::int64_t time) const {
  const auto seconds = static_cast<std::time_t>(time);
  std::tm parts{};
  if ((utc_ ? ::gmtime_r(&seconds, &parts) : ::localtime_r(&seconds, &parts)) == nullptr) {
    throw Error(errno, "a rollover's time is out of range: " + std::to_string(time));
  }
  return parts;
}

bool RolloverClock::has_daylight_saving(std::int64_t time) const {
  return broken_down(time).tm_isdst > 0;
}

}  // namespace logbus::handlers
