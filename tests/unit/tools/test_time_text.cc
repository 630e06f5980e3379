// SPDX-License-Identifier: MIT
// Times and durations as people type and read them.
#include "tools/time_text.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <limits>

namespace logbus::tools {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
// 2026-03-01T08:14:02.118204311Z
constexpr std::int64_t kMoment = 1'772'352'842'118'204'311;

class TimeTextTest : public testing::Test {
 protected:
  TimeTextTest() { set_zone("CET-1CEST,M3.5.0,M10.5.0/3"); }
  ~TimeTextTest() override { set_zone("UTC0"); }
  static void set_zone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
};

TEST_F(TimeTextTest, FormatsLocalTimeWithOffset) {
  EXPECT_EQ(format_time(kMoment, false), "2026-03-01T09:14:02.118204+01:00");
  EXPECT_EQ(format_time(kMoment, false, 0), "2026-03-01T09:14:02+01:00");
  EXPECT_EQ(format_time(kMoment, false, 9), "2026-03-01T09:14:02.118204311+01:00");
}

TEST_F(TimeTextTest, FormatsUtc) {
  EXPECT_EQ(format_time(kMoment, true), "2026-03-01T08:14:02.118204+00:00");
}

TEST_F(TimeTextTest, FormatsTimesBeforeTheEpoch) {
  EXPECT_EQ(format_time(-1, true, 9), "1969-12-31T23:59:59.999999999+00:00");
}

TEST_F(TimeTextTest, FormatsTheFarthestTimes) {
  EXPECT_EQ(format_time(std::numeric_limits<std::int64_t>::max(), true, 0), "2262-04-11T23:47:16+00:00");
  EXPECT_EQ(format_time(std::numeric_limits<std::int64_t>::min(), true, 0), "1677-09-21T00:12:43+00:00");
}

TEST_F(TimeTextTest, FormatsZonesWestOfGreenwich) {
  set_zone("NST3:30");
  EXPECT_EQ(format_time(kMoment, false, 0), "2026-03-01T04:44:02-03:30");
}

TEST_F(TimeTextTest, ReadsWhatItFormats) {
  EXPECT_EQ(parse_time(format_time(kMoment, false, 9), 0, false), kMoment);
  EXPECT_EQ(parse_time(format_time(kMoment, true, 9), 0, false), kMoment);
}

TEST_F(TimeTextTest, ReadsRfc3339) {
  EXPECT_EQ(parse_time("2026-03-01T08:14:02Z", 0, false), kMoment / kSecond * kSecond);
  EXPECT_EQ(parse_time("2026-03-01 10:14:02.5+02:00", 0, false), kMoment / kSecond * kSecond + kSecond / 2);
  EXPECT_EQ(parse_time("2026-03-01T04:44:02-0330", 0, false), kMoment / kSecond * kSecond);
}

TEST_F(TimeTextTest, TakesTimesWithoutOffsetAsLocalOrUtc) {
  EXPECT_EQ(parse_time("2026-03-01T09:14:02", 0, false), kMoment / kSecond * kSecond);
  EXPECT_EQ(parse_time("2026-03-01T08:14:02", 0, true), kMoment / kSecond * kSecond);
  EXPECT_EQ(parse_time("2026-07-01", 0, false), parse_time("2026-06-30T22:00:00Z", 0, false));
  EXPECT_EQ(parse_time("09:14", kMoment, false), parse_time("2026-03-01T09:14:00+01:00", 0, false));
  EXPECT_EQ(parse_time("today", kMoment, false), parse_time("2026-03-01T00:00:00+01:00", 0, false));
  EXPECT_EQ(parse_time("yesterday", kMoment, false), parse_time("2026-02-28T00:00:00+01:00", 0, false));
}

TEST_F(TimeTextTest, ReadsTimesRelativeToNow) {
  EXPECT_EQ(parse_time("10 min ago", kMoment, false), kMoment - 600 * kSecond);
  EXPECT_EQ(parse_time("-5m", kMoment, false), kMoment - 300 * kSecond);
  EXPECT_EQ(parse_time("- 1.5 hours", kMoment, false), kMoment - 5400 * kSecond);
  EXPECT_EQ(parse_time("now", kMoment, false), kMoment);
}

TEST_F(TimeTextTest, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "soon", "2026-13-01", "2026-02-30", "2026-03-01T25:61", "2026-03-01T08:14:02+99:00", "-5",
        "10 min", "5 lightyears ago", "2026-03-01x", "09:14x", "99999-01-01"})
    EXPECT_EQ(parse_time(text, kMoment, false), std::nullopt) << text;
}

TEST_F(TimeTextTest, ReadsDurations) {
  EXPECT_EQ(parse_duration("500 ms"), kSecond / 2);
  EXPECT_EQ(parse_duration("10s"), 10 * kSecond);
  EXPECT_EQ(parse_duration("1.5 min"), 90 * kSecond);
  EXPECT_EQ(parse_duration("2 weeks"), 14 * 86400 * kSecond);
}

TEST_F(TimeTextTest, RefusesDurationsWithoutUnitOrNumber) {
  for (const char* text : {"", "10", "s", "-1s", "1e99 s", "9999999999999999999 w", "1 s s"})
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
}

}  // namespace
}  // namespace logbus::tools
