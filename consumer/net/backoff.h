// SPDX-License-Identifier: MIT
// When to try again: later after each failure.
#pragma once

#include <algorithm>
#include <chrono>

namespace logbus::net {

/// What a try may take at the end, though the time is over: enough for a server that is there.
inline constexpr std::chrono::milliseconds kLastWords{250};

/// Of `timeout`, what is left at `now` until `end`.
inline std::chrono::milliseconds time_left(std::chrono::milliseconds timeout,
                                           std::chrono::steady_clock::time_point now,
                                           std::chrono::steady_clock::time_point end) noexcept {
  const auto left = std::chrono::floor<std::chrono::milliseconds>(end - now);
  return std::min(timeout, std::max(left, kLastWords));
}

/// Source: logging.handlers.SocketHandler's retryStart, retryFactor and retryMax.
class Backoff {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Seconds = std::chrono::duration<double>;

  struct Settings {
    Seconds start{1.0};
    double factor = 2.0;
    Seconds most{30.0};
  };

  explicit Backoff(const Settings& settings) : settings_(settings) {}

  bool is_due(Time now) const noexcept { return period_ == Seconds::zero() || now >= next_; }
  /// The time until the next try grows from failure to failure; at least `least` this time.
  void failed(Time now, Seconds least = Seconds::zero()) noexcept {
    period_ =
        period_ == Seconds::zero() ? settings_.start : std::min(period_ * settings_.factor, settings_.most);
    next_ = now + std::chrono::duration_cast<Time::duration>(std::max(period_, least));
  }
  void succeeded() noexcept { period_ = Seconds::zero(); }

 private:
  Settings settings_;
  Seconds period_ = Seconds::zero();  // zero: the last try has succeeded
  Time next_{};
};

}  // namespace logbus::net
