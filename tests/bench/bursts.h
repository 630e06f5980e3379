// SPDX-License-Identifier: MIT
// Calls in bursts of 20 with pauses, as requests make them, and the percentiles of their times. For logbus,
// its floor and its peers alike.
//
//   whole: a burst's time / 20 (two clock readings a burst)        p50 of these is "the" cost of a call
//   single: each call between two clock readings, less what two readings cost         for the tail
//   first: the first of each such burst
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <vector>

#include <logbus/detail/clock.h>

namespace logbus::bench {

class Stopwatch {
 public:
  explicit Stopwatch(detail::ClockSource clock) : clock_(clock), ns_(measure_ns_per_tick()) {
    std::vector<std::uint64_t> pairs;
    for (int i = 0; i < 10'001; ++i) {
      const std::uint64_t begin = ticks();
      pairs.push_back(ticks() - begin);
    }
    std::nth_element(pairs.begin(), pairs.begin() + 5000, pairs.end());
    own_cost_ = pairs[5000];
  }
  std::uint64_t ticks() const noexcept { return detail::read_ticks(clock_); }
  double ns(std::uint64_t ticks) const noexcept { return static_cast<double>(ticks) * ns_; }
  double ns_less_own_cost(std::uint64_t ticks) const noexcept {
    return ticks > own_cost_ ? ns(ticks - own_cost_) : 0;
  }
  /// Awake: what a sleep does to a processor is not the call's business.
  void pause(double microseconds) const noexcept {
    const std::uint64_t end = ticks() + static_cast<std::uint64_t>(microseconds * 1000 / ns_);
    while (ticks() < end) {
    }
  }

 private:
  /// Against CLOCK_MONOTONIC_RAW over 50 ms.
  double measure_ns_per_tick() const {
    const std::uint64_t ns = detail::clock_ns(CLOCK_MONOTONIC_RAW);
    const std::uint64_t begin = ticks();
    std::uint64_t later = ns;
    while (later < ns + 50'000'000) later = detail::clock_ns(CLOCK_MONOTONIC_RAW);
    return static_cast<double>(later - ns) / static_cast<double>(ticks() - begin);
  }

  detail::ClockSource clock_;
  double ns_;
  std::uint64_t own_cost_ = 0;
};

/// The times of one kind of call, in ns.
class Times {
 public:
  /// One burst of 20. `call(i)` gets 0 to 19.
  template <class Call>
  void burst(const Stopwatch& watch, bool single, Call& call) {
    constexpr int kBurst = 20;
    if (single) {
      std::uint64_t at[kBurst + 1];
      at[0] = watch.ticks();
      for (int i = 0; i < kBurst; ++i) {
        call(i);
        at[i + 1] = watch.ticks();
      }
      for (int i = 0; i < kBurst; ++i) single_.push_back(watch.ns_less_own_cost(at[i + 1] - at[i]));
      first_.push_back(watch.ns_less_own_cost(at[1] - at[0]));
    } else {
      const std::uint64_t begin = watch.ticks();
      for (int i = 0; i < kBurst; ++i) call(i);
      whole_.push_back(watch.ns_less_own_cost(watch.ticks() - begin) / kBurst);
    }
  }

  /// A member of a JSON object.
  void print(const char* name, const char* end) {
    std::printf("\"%s\": {", name);
    print_one("whole", whole_, ", ");
    print_one("single", single_, ", ");
    print_one("first", first_, "}");
    std::printf("%s\n", end);
  }

 private:
  static void print_one(const char* name, std::vector<double>& values, const char* end) {
    std::sort(values.begin(), values.end());
    const auto at = [&](double p) {
      return values[static_cast<std::size_t>(p * static_cast<double>(values.size() - 1))];
    };
    std::printf("\"%s\": {\"p50\": %.2f, \"p90\": %.2f, \"p99\": %.2f, \"p999\": %.2f}%s", name, at(0.5),
                at(0.9), at(0.99), at(0.999), end);
  }

  std::vector<double> whole_, single_, first_;
};

}  // namespace logbus::bench
