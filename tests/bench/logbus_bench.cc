// SPDX-License-Identifier: MIT
// What a log call costs, by Google Benchmark. Needs a sidecar that drains $LOGBUS_BUS; tests/bench/run starts
// one.
//
// A tight loop outruns any sidecar, so calls are timed in batches that fit a lane, and the sidecar catches up
// between them, outside the clock. That every record was committed and none dropped is checked by
// tests/bench/run.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <logbus/logger.h>

#include "floor.h"
#include "machine_clock.h"

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kBatch = 1000;

logbus::Logger& logger() {
  static logbus::Logger& it = logbus::get_logger("bench");
  return it;
}

/// Times batches of `call(i)`; reports one call, as mean and as p50 of the batches.
template <class Call>
void in_batches(benchmark::State& state, bool drained, Call call) {
  call(0);
  std::vector<double> times;
  for (auto _ : state) {
    const auto begin = Clock::now();
    for (int i = 0; i < kBatch; ++i) call(i);
    const std::chrono::duration<double> took = Clock::now() - begin;
    state.SetIterationTime(took.count() / kBatch);
    times.push_back(took.count() / kBatch * 1e9);
    if (drained && !logbus::flush(std::chrono::seconds(20)))
      state.SkipWithError("the sidecar does not drain");
  }
  // The mean of the batches says as much about what else the machine does.
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  state.counters["p50_ns"] = benchmark::Counter(*middle, benchmark::Counter::kAvgThreads);
}

void floor_of_call(benchmark::State& state) {
  logbus::bench::Floor floor(logbus::bench::machine_clock());
  in_batches(state, false, [&](int i) { floor.store(i, 2 * i, i / 2.0); });
}

void floor_of_string(benchmark::State& state) {
  logbus::bench::Floor floor(logbus::bench::machine_clock());
  const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
  in_batches(state, false, [&](int) { floor.store(text); });
}

void enabled_call(benchmark::State& state) {
  in_batches(state, true, [](int i) { logger().info("a {} b {} c {}", i, 2 * i, i / 2.0); });
}

void enabled_string(benchmark::State& state) {
  const std::string text(static_cast<std::size_t>(state.range(0)), 'x');
  in_batches(state, true, [&](int) { logger().info("text {}", text); });
}

void empty_loop(benchmark::State& state) {
  int i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(++i);
}

void disabled_call(benchmark::State& state) {
  const logbus::Logger& quiet = logger();
  int i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(++i);
    quiet.debug("a {} b {} c {}", i, 2 * i, i / 2.0);
  }
}

}  // namespace

// Fixed numbers of batches: by itself Google Benchmark would go on until the times of single calls add up to
// min_time.
BENCHMARK(floor_of_call)->UseManualTime()->Iterations(2000);
BENCHMARK(floor_of_call)->UseManualTime()->Iterations(2000)->Threads(2);
BENCHMARK(floor_of_string)->UseManualTime()->Iterations(1000)->Arg(16)->Arg(64)->Arg(256)->Arg(1024);
BENCHMARK(floor_of_string)->UseManualTime()->Iterations(1000)->Arg(64)->Threads(2);
BENCHMARK(enabled_call)->UseManualTime()->Iterations(400);
BENCHMARK(enabled_call)->UseManualTime()->Iterations(400)->Threads(2);
BENCHMARK(enabled_string)->UseManualTime()->Iterations(200)->Arg(16)->Arg(64)->Arg(256)->Arg(1024);
BENCHMARK(enabled_string)->UseManualTime()->Iterations(200)->Arg(64)->Threads(2);
BENCHMARK(empty_loop);
BENCHMARK(disabled_call);
BENCHMARK(disabled_call)->Threads(2);

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  logbus::basic_config({.level = logbus::Level::kInfo, .on_failure = logbus::OnFailure::kThrow});
  logger().info("starts");
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
