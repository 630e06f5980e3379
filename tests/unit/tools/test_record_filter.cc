// SPDX-License-Identifier: MIT
// Which records a reader wants to see.
#include "tools/record_filter.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>

namespace logbus::tools {
namespace {

LogRecord record() {
  LogRecord r;
  r.name = "orders.db";
  r.levelno = 30;
  r.process = 7;
  r.created_ns = 1000;
  return r;
}

TEST(RecordFilterTest, PassesAllByDefault) {
  EXPECT_TRUE(RecordFilter().passes(record(), ""));
}

TEST(RecordFilterTest, PassesFromTheLevelOn) {
  RecordFilter filter;
  filter.level = 30;
  EXPECT_TRUE(filter.passes(record(), ""));
  filter.level = 31;
  EXPECT_FALSE(filter.passes(record(), ""));
}

TEST(RecordFilterTest, PassesTheLoggerAndItsChildren) {
  RecordFilter filter;
  for (const char* name : {"orders", "orders.db"}) {
    filter.logger = name;
    EXPECT_TRUE(filter.passes(record(), "")) << name;
  }
  for (const char* name : {"order", "orders.d", "orders.db.pool", "db"}) {
    filter.logger = name;
    EXPECT_FALSE(filter.passes(record(), "")) << name;
  }
}

TEST(RecordFilterTest, PassesAnyOfThePids) {
  RecordFilter filter;
  filter.pids = {6, 7};
  EXPECT_TRUE(filter.passes(record(), ""));
  filter.pids = {6};
  EXPECT_FALSE(filter.passes(record(), ""));
}

TEST(RecordFilterTest, IncludesSinceAndExcludesUntil) {
  RecordFilter filter;
  filter.since = 1000;
  EXPECT_TRUE(filter.passes(record(), ""));
  filter.until = 1000;
  EXPECT_FALSE(filter.passes(record(), ""));
}

TEST(RecordFilterTest, SearchesMessageAndTraceback) {
  RecordFilter filter;
  filter.pattern.emplace("card (declined|expired)$");
  EXPECT_TRUE(filter.passes(record(), "card expired"));
  EXPECT_FALSE(filter.passes(record(), "card expired today"));
  LogRecord failed = record();
  failed.exc_text = "std::runtime_error: card declined";
  EXPECT_TRUE(filter.passes(failed, "charge failed"));
}

TEST(PatternTest, SearchesBehindANulByte) {
  EXPECT_TRUE(Pattern("needle").found_in(std::string_view("hay\0needle", 10)));
}

TEST(PatternTest, SearchesLongTextsWithoutRecursion) {
  EXPECT_TRUE(Pattern("(a|b)*c").found_in(std::string(1 << 20, 'a') + "c"));
}

TEST(PatternTest, RefusesABadExpression) {
  EXPECT_THROW(Pattern("("), std::invalid_argument);
}

TEST(ParseLevelTest, ReadsNamesAndNumbers) {
  EXPECT_EQ(parse_level("WARNING"), 30);
  EXPECT_EQ(parse_level("warn"), 30);
  EXPECT_EQ(parse_level("25"), 25);
  EXPECT_EQ(parse_level("loud"), std::nullopt);
  EXPECT_EQ(parse_level("30x"), std::nullopt);
}

}  // namespace
}  // namespace logbus::tools
