// SPDX-License-Identifier: MIT
// The cost of a call in bursts, beside its floor's in the same moments: percentiles as JSON. Needs a sidecar
// that drains $LOGBUS_BUS; tests/bench/run starts one.
//
//   bench_bursts PAUSE_US BURSTS [cold|undrained]
//
//   cold: the caches are emptied before every burst
//   undrained: the sidecar has been stopped, and nobody waits for it
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <logbus/logger.h>

#include "bursts.h"
#include "evict.h"
#include "floor.h"
#include "machine_clock.h"

namespace {

using logbus::bench::Stopwatch;
using logbus::bench::Times;

/// Each call beside its floor. A burst of the one follows a burst of the other, now this first, now that.
struct Pair {
  Times floor, call;
};

class Bursts {
 public:
  Bursts(const logbus::Logger& logger, const Stopwatch& watch, double pause_us, bool cold)
      : logger_(logger), watch_(watch), pause_us_(pause_us), cold_(cold) {}

  /// The bus gets a burst after each pause, whatever else is timed: its sidecar sleeps after longer ones.
  template <class FloorCall, class Call>
  void run(int round, Pair& pair, FloorCall& floor, Call& call) {
    const bool single = round % 2 == 1;
    watch_.pause(pause_us_);
    if (round % 4 < 2) {
      one(single, pair.floor, floor);
      one(single, pair.call, call);
    } else {
      one(single, pair.call, call);
      one(single, pair.floor, floor);
    }
  }

  template <class Call>
  void one(bool single, Times& times, Call& call) {
    if (cold_) {
      // Evicting takes about as long as the sidecar waits for another record before it sleeps.
      logger_.info("still here");
      evictor_.evict();
    }
    times.burst(watch_, single, call);
  }

 private:
  const logbus::Logger& logger_;
  const Stopwatch& watch_;
  double pause_us_;
  bool cold_;
  logbus::bench::Evictor evictor_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: bench_bursts PAUSE_US BURSTS [cold|undrained]\n");
    return 2;
  }
  const double pause_us = std::atof(argv[1]);
  const int rounds = std::atoi(argv[2]);
  const std::string_view how = argc > 3 ? argv[3] : "";
  const auto drain = [&] { return how == "undrained" || logbus::flush(std::chrono::seconds(20)); };
  logbus::basic_config({.level = logbus::Level::kInfo, .on_failure = logbus::OnFailure::kThrow});
  const logbus::Logger& logger = logbus::get_logger("bench");
  const logbus::detail::ClockSource clock = logbus::bench::machine_clock();
  const Stopwatch watch(clock);
  Bursts bursts(logger, watch, pause_us, how == "cold");
  logbus::bench::Floor floor(clock);
  // Of a length that the compiler can't know.
  volatile std::size_t length = 64;
  const std::string text(length, 'x');
  const std::string_view view = text;
  const char* volatile chars = text.c_str();

  Times clock_times;
  Pair ints, string, c_string;
  auto clock_call = [&](int) { asm volatile("" : : "r"(logbus::detail::read_ticks(clock))); };
  auto ints_floor = [&](int i) { floor.store(i, 2 * i, i / 2.0); };
  auto ints_call = [&](int i) { logger.info("a {} b {} c {}", i, 2 * i, i / 2.0); };
  auto string_floor = [&](int) { floor.store(view); };
  auto string_call = [&](int) { logger.info("text {}", view); };
  auto c_string_floor = [&](int) { floor.store(static_cast<const char*>(chars)); };
  auto c_string_call = [&](int) { logger.info("text {}", static_cast<const char*>(chars)); };
  logger.info("starts");
  string_call(0), c_string_call(0), ints_call(0);  // their sites become known
  for (int i = 0; i < rounds; ++i) {
    bursts.one(i % 2 == 1, clock_times, clock_call);
    bursts.run(i, ints, ints_floor, ints_call);
    bursts.run(i, string, string_floor, string_call);
    bursts.run(i, c_string, c_string_floor, c_string_call);
    // A sidecar that gets no processor for a while must not turn this into a benchmark of drops.
    if (i % 200 == 199 && !drain()) {
      std::fprintf(stderr, "the sidecar does not drain\n");
      return 1;
    }
  }
  std::printf("{\n");
  clock_times.print("clock", ",");
  ints.floor.print("floor", ",");
  ints.call.print("call", ",");
  string.floor.print("string_floor", ",");
  string.call.print("string", ",");
  c_string.floor.print("c_string_floor", ",");
  c_string.call.print("c_string", "");
  std::printf("}\n");
  return drain() ? 0 : 1;
}
