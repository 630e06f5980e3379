// SPDX-License-Identifier: MIT
// The cost of a call in bursts of 20 with pauses, as a request makes them: percentiles, beside the floor's in
// the same run. Prints JSON. Needs a sidecar that drains $LOGBUS_BUS; tests/bench/run starts one.
//
//   whole: a burst's time / 20 (two clock readings a burst)        p50 of these is "the" cost of a call
//   single: each call between two clock readings, less what two readings cost         for the tail
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <logbus/logger.h>

#include "floor.h"

namespace {

using logbus::detail::ClockSource;
using logbus::detail::read_ticks;

constexpr int kBurst = 20;
constexpr int kBursts = 20'000;

struct Times {
  std::vector<double> whole, single;  // ns a call
};

class Stopwatch {
 public:
  Stopwatch() : clock_(logbus::bench::bus_clock()), ns_(logbus::bench::ns_per_tick(clock_)) {
    std::vector<std::uint64_t> pairs;
    for (int i = 0; i < 10'001; ++i) {
      const std::uint64_t begin = ticks();
      pairs.push_back(ticks() - begin);
    }
    std::nth_element(pairs.begin(), pairs.begin() + 5000, pairs.end());
    own_cost_ = pairs[5000];
  }
  std::uint64_t ticks() const noexcept { return read_ticks(clock_); }
  double ns(std::uint64_t ticks) const noexcept { return static_cast<double>(ticks) * ns_; }
  double ns_less_own_cost(std::uint64_t ticks) const noexcept {
    return ticks > own_cost_ ? ns(ticks - own_cost_) : 0;
  }
  void pause(double microseconds) const noexcept {
    const std::uint64_t end = ticks() + static_cast<std::uint64_t>(microseconds * 1000 / ns_);
    while (ticks() < end) {
    }
  }
  ClockSource clock() const noexcept { return clock_; }

 private:
  ClockSource clock_;
  double ns_;
  std::uint64_t own_cost_ = 0;
};

template <class Call>
void burst(const Stopwatch& watch, bool single, Times& times, Call& call) {
  watch.pause(15);
  if (single) {
    std::uint64_t at[kBurst + 1];
    at[0] = watch.ticks();
    for (int i = 0; i < kBurst; ++i) {
      call(i);
      at[i + 1] = watch.ticks();
    }
    for (int i = 0; i < kBurst; ++i) times.single.push_back(watch.ns_less_own_cost(at[i + 1] - at[i]));
  } else {
    const std::uint64_t begin = watch.ticks();
    for (int i = 0; i < kBurst; ++i) call(i);
    times.whole.push_back(watch.ns_less_own_cost(watch.ticks() - begin) / kBurst);
  }
}

double percentile(std::vector<double>& values, double p) {
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(p * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

void print(const char* name, Times& times, const char* end) {
  std::printf(
      "  \"%s\": {\"p50_ns\": %.2f, \"single_p50_ns\": %.2f, \"p99_ns\": %.2f, \"p999_ns\": %.2f}%s\n", name,
      percentile(times.whole, 0.5), percentile(times.single, 0.5), percentile(times.single, 0.99),
      percentile(times.single, 0.999), end);
}

}  // namespace

int main() {
  logbus::basic_config({.level = logbus::Level::kInfo, .on_failure = logbus::OnFailure::kThrow});
  const logbus::Logger& logger = logbus::get_logger("bench");
  logger.info("starts");
  const Stopwatch watch;
  logbus::bench::Floor floor(watch.clock());
  const std::string text(64, 'x');

  Times floor_times, call_times, string_times;
  auto floor_call = [&](int i) { floor.store(i, 2 * i, i / 2.0); };
  auto log_call = [&](int i) { logger.info("a {} b {} c {}", i, 2 * i, i / 2.0); };
  auto string_call = [&](int) { logger.info("text {}", text); };
  // Side by side, so that whatever else the machine does strikes all three.
  for (int i = 0; i < kBursts; ++i) {
    const bool single = i % 2 == 1;
    burst(watch, single, floor_times, floor_call);
    burst(watch, single, call_times, log_call);
    burst(watch, single, string_times, string_call);
    // A sidecar that gets no processor for a while must not turn this into a benchmark of drops.
    if (i % 200 == 199 && !logbus::flush(std::chrono::seconds(20))) {
      std::fprintf(stderr, "the sidecar does not drain\n");
      return 1;
    }
  }
  std::printf("{\n");
  print("floor", floor_times, ",");
  print("call", call_times, ",");
  print("string_64", string_times, "");
  std::printf("}\n");
  return logbus::flush(std::chrono::seconds(20)) ? 0 : 1;
}
