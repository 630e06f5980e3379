// SPDX-License-Identifier: MIT
// A worker process of the benchmarks of scale and memory (scale.py starts it), on $LOGBUS_BUS:
//
//   bench_scale idle THREADS RECORDS   each thread logs so many records; "ready" once they are drained; waits
//                                      for the end of its input
//   bench_scale feed RECORDS RATE      logs so many in all, RATE a second (0: as fast as it can), and waits
//                                      until they are drained
//   bench_scale wakeup FILE ROUNDS     from a call that finds the sidecar asleep to its line in FILE, and the
//                                      same for a thread of this process that sleeps on a futex and writes
//   bench_scale grow RECORDS           calls that get a step of memory, while nobody drains
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <logbus/detail/clock.h>
#include <logbus/logger.h>

#include "base/unique_fd.h"
#include "shm/segment.h"

namespace {

using namespace std::chrono_literals;
using logbus::detail::clock_ns;

const logbus::Logger& logger() {
  static const logbus::Logger& it = logbus::get_logger("bench");
  return it;
}

void attach() {
  logbus::basic_config({.level = logbus::Level::kInfo, .on_failure = logbus::OnFailure::kThrow});
}

void log(int i) {
  logger().info("Iteration: {} int: {} double: {}", i, 2 * i, i / 2.0);
}

std::uint64_t now_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}

double percentile(std::vector<std::uint64_t>& values, double p) {
  if (values.empty()) return 0;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(p * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return static_cast<double>(*at) / 1000;
}

void print_us(const char* name, std::vector<std::uint64_t>& ns, const char* end) {
  std::printf("\"%s\": {\"count\": %zu, \"p50_us\": %.2f, \"p90_us\": %.2f, \"p99_us\": %.2f}%s", name,
              ns.size(), percentile(ns, 0.5), percentile(ns, 0.9), percentile(ns, 0.99), end);
}

int idle(int threads, int records) {
  attach();
  std::atomic<int> logged{0};
  std::atomic<bool> over{false};
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) {
    all.emplace_back([&] {
      for (int i = 0; i < records; ++i) log(i);
      logged.fetch_add(1);
      over.wait(false);
    });
  }
  while (logged.load() < threads) std::this_thread::sleep_for(1ms);
  if (!logbus::flush(60s)) return 1;
  std::printf("ready\n");
  std::fflush(stdout);
  char byte;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  over.store(true);
  over.notify_all();
  for (std::thread& thread : all) thread.join();
  return 0;
}

int feed(int records, int rate) {
  attach();
  const std::uint64_t begin = now_ns();
  for (int i = 0; i < records; ++i) {
    log(i);
    if (rate == 0) continue;
    const std::uint64_t due =
        begin + static_cast<std::uint64_t>(i) * 1'000'000'000 / static_cast<unsigned>(rate);
    if (now_ns() < due) std::this_thread::sleep_for(std::chrono::nanoseconds(due - now_ns()));
  }
  return logbus::flush(120s) ? 0 : 1;
}

/// Until the file is longer than `size`; its new size.
off_t wait_for_line(int fd, off_t size) {
  struct stat st {};
  const std::uint64_t deadline = now_ns() + 5'000'000'000;
  do ::fstat(fd, &st);
  while (st.st_size <= size && now_ns() < deadline);
  return st.st_size;
}

template <class Write>
std::vector<std::uint64_t> time_wakeups(int fd, int rounds, Write write) {
  std::vector<std::uint64_t> times;
  struct stat st {};
  ::fstat(fd, &st);
  off_t size = st.st_size;
  for (int i = 0; i < rounds; ++i) {
    // Until it has gone to sleep, at no fixed distance from what it does each 100 ms.
    std::this_thread::sleep_for(std::chrono::microseconds(15'000 + i * 7919 % 10'000));
    const std::uint64_t begin = now_ns();
    write(i);
    size = wait_for_line(fd, size);
    times.push_back(now_ns() - begin);
  }
  return times;
}

int wakeup(const char* file, int rounds) {
  attach();
  log(0);
  if (!logbus::flush(20s)) return 1;
  const logbus::base::UniqueFd fd(::open(file, O_RDONLY | O_CLOEXEC));
  auto ours = time_wakeups(fd.get(), rounds, log);

  // What no sleeping writer of a file can do better on this machine.
  const std::string path = std::string(file) + ".floor";
  const logbus::base::UniqueFd out(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  std::atomic<int> bell{0};
  std::thread sleeper([&] {
    const std::string line(90, 'x');
    for (int seen = 0; seen >= 0; seen = bell.load()) {
      if (seen > 0 && ::write(out.get(), line.data(), line.size()) < 0) std::abort();
      bell.wait(seen);
    }
  });
  auto floor = time_wakeups(out.get(), rounds, [&](int i) {
    bell.store(i + 1);
    bell.notify_one();
  });
  bell.store(-1);
  bell.notify_one();
  sleeper.join();
  std::printf("{");
  print_us("wakeup", ours, ", ");
  print_us("floor", floor, "}\n");
  return 0;
}

int grow(int records) {
  attach();
  log(0);
  logbus::shm::BusOptions options;
  options.bus = std::getenv("LOGBUS_BUS");
  const auto segment = logbus::shm::Segment::open_existing(options, logbus::shm::Segment::Role::kWorker);
  std::uint32_t own = 0;
  while (own + 1 < segment.slots() && segment.slot(own).pid.load() != static_cast<unsigned>(::getpid()))
    ++own;
  const auto& memory = segment.slot(own).memory_bytes;
  std::vector<std::uint64_t> grown, others;
  for (int i = 0; i < records; ++i) {
    const std::uint64_t before = memory.load(std::memory_order_relaxed);
    const std::uint64_t begin = now_ns();
    log(i);
    const std::uint64_t took = now_ns() - begin;
    (memory.load(std::memory_order_relaxed) != before ? grown : others).push_back(took);
  }
  const double per_call = static_cast<double>(grown.size()) / records;
  std::printf("{\"per_thousand\": %.3f, ", per_call * 1000);
  print_us("grow", grown, ", ");
  print_us("others", others, "}\n");
  return 0;
}

int number(const char* text) {
  return std::atoi(text);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "idle" && argc == 4) return idle(number(argv[2]), number(argv[3]));
  if (what == "feed" && argc == 4) return feed(number(argv[2]), number(argv[3]));
  if (what == "wakeup" && argc == 4) return wakeup(argv[2], number(argv[3]));
  if (what == "grow" && argc == 3) return grow(number(argv[2]));
  std::fprintf(stderr, "usage: see the head of bench_scale.cc\n");
  return 2;
}
