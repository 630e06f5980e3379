// SPDX-License-Identifier: MIT
// When a timed rotation is due, and which date a rolled file bears: pure arithmetic over the zone's clock.
#pragma once

#include <cstddef>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

#include <logbus/timed_rotating_file_handler.h>

namespace logbus::handlers {

/// The rules of Python's computeRollover. Times are seconds since 1970. Immutable; any thread.
class RolloverClock {
 public:
  /// Throws logbus::Error with Python's sentence for a `when` it doesn't know.
  explicit RolloverClock(const TimedRotatingOptions& options);

  /// The end of the interval that a file started at `time` belongs to.
  std::int64_t rollover_after(std::int64_t time) const;
  /// The same for a file that a rollover starts `now`: always later than `now`, except for an interval of 0.
  std::int64_t rollover_after_rollover(std::int64_t now) const;
  /// The date that follows the base name, of a file whose end is `rollover_at` and that is rolled `now`.
  std::string date_of(std::int64_t rollover_at, std::int64_t now) const;

  /// Whether all of `text` has the form of a date.
  bool is_date(std::string_view text) const noexcept;
  /// Where the next date begins in `name`, from `from` on, with no digit before or behind; npos if none does.
  std::size_t find_date(std::string_view name, std::size_t from) const noexcept;
  std::size_t date_size() const noexcept { return date_form_.size(); }

 private:
  enum class Alignment { kNone, kDay, kWeek };

  void set_when(std::string when);
  std::tm broken_down(std::int64_t time) const;
  bool has_daylight_saving(std::int64_t time) const;
  std::int64_t with_daylight_saving(std::int64_t rollover, bool saving_now) const;

  Alignment alignment_ = Alignment::kNone;
  int weekday_ = 0;               // 0 is Monday
  std::int64_t unit_ = 0;         // of `when`
  std::int64_t interval_ = 0;     // a multiple of it
  std::int64_t turn_of_day_ = 0;  // seconds since midnight; 86400 is the midnight to come
  bool utc_ = false;
  bool first_rules_ = false;  // those up to 3.12's first releases
  std::string date_format_;
  std::string_view date_form_;  // 0 stands for any digit
};

}  // namespace logbus::handlers
