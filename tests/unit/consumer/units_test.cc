// SPDX-License-Identifier: MIT
// Sizes, durations and names in a configuration, and what a misspelled word was meant to be.
#include <chrono>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "sidecar/config.h"
#include "sidecar/config_units.h"
#include "sidecar/diagnostics.h"

namespace logbus::sidecar {
namespace {

TEST(UnitsTest, SizesAndDurations) {
  EXPECT_EQ(parse_size("64 MiB"), 64U << 20);
  EXPECT_EQ(parse_size("64MiB"), 64U << 20);
  EXPECT_EQ(parse_size("1.5 KiB"), 1536U);
  EXPECT_EQ(parse_size("10 kB"), 10'000U);
  EXPECT_EQ(parse_size("7"), 7U);
  for (const char* text :
       {"", "MiB", "-1 MiB", "1 mib", "1 Mi", "1.3 B", "1 MiB x", "1e400 B", "0x10", "99999999999 GiB"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
  EXPECT_EQ(parse_duration("50 ms"), std::chrono::milliseconds(50));
  EXPECT_EQ(parse_duration("1.5s"), std::chrono::milliseconds(1500));
  EXPECT_EQ(parse_duration("2 min"), std::chrono::minutes(2));
  EXPECT_EQ(parse_duration("1 h"), std::chrono::hours(1));
  EXPECT_EQ(parse_duration("0 s"), std::chrono::nanoseconds(0));
  for (const char* text : {"", "50", "ms", "-1 s", "1 S", "1 sec", "nan s", "inf s", "1e9 h"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
}

TEST(UnitsTest, BusNames) {
  EXPECT_TRUE(is_bus_name("orders-1.prod_x"));
  EXPECT_TRUE(is_bus_name(std::string(64, 'a')));
  for (const std::string& name : {std::string(), std::string("."), std::string(".."), std::string("a/b"),
                                  std::string("a b"), std::string(65, 'a'), std::string("a\0b", 3)}) {
    EXPECT_FALSE(is_bus_name(name)) << name;
  }
}

TEST(SuggestionTest, OffersTheNearestWordOnly) {
  EXPECT_EQ(nearest("hanlders", {"handlers", "loggers"}), "handlers");
  EXPECT_EQ(nearest("BACKUPCOUNT", {"backupCount"}), "backupCount");
  EXPECT_EQ(nearest("x", {"bus"}), "");
  EXPECT_EQ(nearest("zzzzzz", {"handlers", "loggers"}), "");
  EXPECT_EQ(nearest("", {"."}), ".");
}

}  // namespace
}  // namespace logbus::sidecar
