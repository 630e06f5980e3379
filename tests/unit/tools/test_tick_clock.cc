// SPDX-License-Identifier: MIT
// Stamps of a bus become wall time.
#include "shm/tick_clock.h"

#include <gtest/gtest.h>

#include <ctime>

#include <logbus/detail/clock.h>

namespace logbus::shm {
namespace {

using detail::ClockSource;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kCreated = 1'700'000'000'000'000'000;

detail::Preamble preamble(ClockSource source) {
  detail::Preamble p = {};
  p.clock_source = source;
  p.created_ticks = 5'000'000'000;
  p.created_realtime_ns = kCreated;
  p.created_monotonic_ns = 77'000'000'000;
  p.ticks_per_second_guess = source == ClockSource::kTsc ? 2'500'000'000 : 1'000'000'000;
  return p;
}

TEST(TickClockTest, CountsFromTheCreationWithTheGuessedRate) {
  TickClock clock(preamble(ClockSource::kTsc), false);
  EXPECT_EQ(clock.to_ns(5'000'000'000), static_cast<std::int64_t>(kCreated));
  EXPECT_EQ(clock.to_ns(7'500'000'000), static_cast<std::int64_t>(kCreated) + kSecond);
  EXPECT_EQ(clock.to_ns(2'500'000'000), static_cast<std::int64_t>(kCreated) - kSecond);
}

TEST(TickClockTest, TakesTheRateFromTheReadingsFurthestApart) {
  TickClock clock(preamble(ClockSource::kTsc), false);
  // 100 s of the monotonic clock: 2.5001 GHz. The wall clock has been set an hour ahead meanwhile.
  clock.add({5'000'000'000 + 250'010'000'000, kCreated + 3700 * kSecond, 77'000'000'000 + 100'000'000'000});
  EXPECT_NEAR(1e9 / clock.ns_per_tick(), 2'500'100'000, 1);
}

TEST(TickClockTest, AnchorsAtTheNearestReading) {
  TickClock clock(preamble(ClockSource::kTsc), false);
  const std::uint64_t later = 5'000'000'000 + 250'000'000'000;
  clock.add({later, kCreated + 3700 * kSecond, 77'000'000'000 + 100'000'000'000});
  EXPECT_EQ(clock.to_ns(later - 2'500'000'000), static_cast<std::int64_t>(kCreated) + 3699 * kSecond);
  EXPECT_EQ(clock.to_ns(7'500'000'000), static_cast<std::int64_t>(kCreated) + kSecond);
}

TEST(TickClockTest, IgnoresReadingsThatMakeNoSense) {
  TickClock clock(preamble(ClockSource::kTsc), false);
  const double rate = clock.ns_per_tick();
  clock.add({1, kCreated, 0});
  clock.add({6'000'000'000, 0, 0});
  clock.add({5'000'000'001, kCreated + 50 * kSecond, 77'000'000'000 + 50'000'000'000});
  EXPECT_EQ(clock.ns_per_tick(), rate);
}

TEST(TickClockTest, MonotonicTicksAreNanoseconds) {
  detail::Preamble p = preamble(ClockSource::kMonotonicNs);
  TickClock clock(p, false);
  clock.add({p.created_ticks + 20 * kSecond, kCreated + 25 * kSecond, p.created_ticks + 20 * kSecond});
  EXPECT_EQ(clock.ns_per_tick(), 1.0);
  EXPECT_EQ(clock.to_ns(p.created_ticks + 3), static_cast<std::int64_t>(kCreated) + 3);
}

TEST(TickClockTest, FollowsThePresentOnABusOfThisBoot) {
  for (const ClockSource source : {ClockSource::kMonotonicNs, ClockSource::kTsc}) {
    detail::Preamble p = preamble(source);
    p.created_ticks = detail::read_ticks(source);
    p.created_realtime_ns = 12345;  // as if the wall clock had been set since
    p.created_monotonic_ns = detail::clock_ns(CLOCK_MONOTONIC);
    TickClock clock(p, true);
    clock.refresh();
    const auto before = static_cast<std::int64_t>(detail::clock_ns(CLOCK_REALTIME));
    const std::int64_t stamp =
        clock.to_ns(detail::read_ticks(ClockSource::kMonotonicNs == source ? source : ClockSource::kTsc));
    EXPECT_NEAR(static_cast<double>(stamp - before), 0, 50e6);
  }
}

TEST(TickClockTest, NeverRunsBackwardsOverARefresh) {
  detail::Preamble p = preamble(ClockSource::kMonotonicNs);
  TickClock clock(p, true);
  std::int64_t last = 0;
  for (int i = 0; i < 20'000; ++i) {
    if (i % 10 == 0) clock.refresh();
    const std::int64_t now = clock.to_ns(detail::read_ticks(ClockSource::kMonotonicNs));
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(TickClockTest, SurvivesStampsFarAway) {
  TickClock clock(preamble(ClockSource::kTsc), false);
  clock.to_ns(0);
  clock.to_ns(~std::uint64_t{0});
  clock.to_ns(std::uint64_t{1} << 63);
  EXPECT_EQ(clock.to_ns(5'000'000'000), static_cast<std::int64_t>(kCreated));
}

}  // namespace
}  // namespace logbus::shm
