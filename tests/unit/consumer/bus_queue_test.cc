// SPDX-License-Identifier: MIT
// The queue of one segment, where time matters.
#include "drain.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <ctime>

#include <gtest/gtest.h>

#include "support/shm_bus.h"

namespace logbus::consumer {
namespace {

using namespace std::chrono_literals;

/// While it is positive each look at a clock takes a millisecond, and one of these.
std::atomic<int> slow_looks{0};
constexpr long kSlowLookNs = 1'000'000;

}  // namespace
}  // namespace logbus::consumer

/// In place of the C library's, for all of this program.
#pragma GCC visibility push(default)
extern "C" int clock_gettime(clockid_t id, timespec* time) noexcept {
  static std::atomic<long> late{0};
  constexpr long kSecond = 1'000'000'000;
  const auto result = static_cast<int>(::syscall(SYS_clock_gettime, id, time));
  if (result != 0 || id != CLOCK_MONOTONIC) return result;
  using logbus::consumer::slow_looks;
  if (slow_looks.load() > 0 && slow_looks.fetch_sub(1) > 0) late += logbus::consumer::kSlowLookNs;
  const long ns = time->tv_nsec + late.load();
  time->tv_sec += ns / kSecond;
  time->tv_nsec = ns % kSecond;
  return 0;
}
#pragma GCC visibility pop

namespace logbus::consumer {
namespace {

TEST(BusQueueTest, ComesBackInTimeThoughALookTakesLongerThanTheNextOneWaits) {
  const logbus::testing::TempDir directory;
  BusQueue queue(logbus::testing::small_bus(directory));
  LogRecord record;
  constexpr int kEnough = 10'000;
  for (const auto timeout : {0ms, 50ms}) {
    slow_looks = kEnough;
    EXPECT_FALSE(queue.get(record, timeout));
    EXPECT_GT(slow_looks.exchange(0), kEnough / 2) << "only when looks were quick again";
  }
}

// A look is what finds records: a get() that waits for none takes one all the same.
TEST(BusQueueTest, LooksAtLeastOnce) {
  const logbus::testing::TempDir directory;
  BusQueue queue(logbus::testing::small_bus(directory));
  LogRecord record;
  slow_looks = 1000;
  const auto passes = [&queue] { return queue.segment().consumer().passes.load(); };
  const auto before = passes();
  EXPECT_FALSE(queue.get(record, 0ms));
  EXPECT_EQ(passes(), before + 1);
  slow_looks = 0;
}

}  // namespace
}  // namespace logbus::consumer
