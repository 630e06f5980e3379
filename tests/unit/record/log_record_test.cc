// SPDX-License-Identifier: MIT
// LogRecord's attributes and its message.
#include <logbus/log_record.h>

#include <gtest/gtest.h>

namespace logbus {
namespace {

LogRecord at(std::int64_t created_ns) {
  LogRecord record;
  record.created_ns = created_ns;
  return record;
}

TEST(LogRecordTest, DerivesPythonsTimes) {
  LogRecord record = at(1'700'000'000'123'456'789);
  record.start_ns = 1'700'000'000'000'000'000;
  EXPECT_EQ(record.created(), 1700000000.1234567);
  EXPECT_EQ(record.msecs(), 123.0);
  EXPECT_EQ(record.relative_created(), 123.456789);
}

TEST(LogRecordTest, MillisecondsFollowAFloatThatRoundsIntoTheNextSecond) {
  EXPECT_EQ(at(1'677'903'920'999'998'503).msecs(), 999.0);
  EXPECT_EQ(at(1'677'903'920'999'999'900).msecs(), 0.0);
}

TEST(LogRecordTest, MillisecondsBeforeTheEpochCountForward) {
  EXPECT_EQ(at(-1).msecs(), 0.0);  // 999, but for Python's own rule about floats
  EXPECT_EQ(at(-1'500'000'000).msecs(), 500.0);
}

TEST(LogRecordTest, SplitsThePath) {
  LogRecord record;
  record.pathname = "/srv/app/api.v2.cpp";
  EXPECT_EQ(record.filename(), "api.v2.cpp");
  EXPECT_EQ(record.module(), "api.v2");
  record.pathname = "plain";
  EXPECT_EQ(record.filename(), "plain");
  EXPECT_EQ(record.module(), "plain");
  record.pathname = "/etc/.profile";
  EXPECT_EQ(record.module(), ".profile");
  record.pathname = "/etc/";
  EXPECT_EQ(record.filename(), "");
}

TEST(LogRecordTest, FindsAttributesByPythonsNames) {
  LogRecord record;
  record.levelname = "INFO";
  record.func_name = "handle";
  record.extra = {{"ms", 1.5}};
  record.args = List{1};
  EXPECT_EQ(record.attribute("levelname"), Value("INFO"));
  EXPECT_EQ(record.attribute("funcName"), Value("handle"));
  EXPECT_EQ(record.attribute("ms"), Value(1.5));
  EXPECT_EQ(record.attribute("args"), Value(Tuple{{1}}));
  EXPECT_EQ(record.attribute("exc_info"), Value(None{}));
  EXPECT_EQ(record.attribute("exc_text"), Value(None{}));
  EXPECT_EQ(record.attribute("taskName"), Value(None{}));
}

TEST(LogRecordTest, MessageAndAsctimeAreTheFormatters) {
  const LogRecord record;
  EXPECT_EQ(record.attribute("message"), std::nullopt);
  EXPECT_EQ(record.attribute("asctime"), std::nullopt);
  EXPECT_EQ(record.attribute("nope"), std::nullopt);
}

TEST(LogRecordTest, ValueGivenOutrightComesFirst) {
  LogRecord record;
  record.overrides = {{"name", None{}}, {"msecs", 999.9}};
  EXPECT_EQ(record.attribute("name"), Value(None{}));
  EXPECT_EQ(record.attribute("msecs"), Value(999.9));
}

TEST(LogRecordTest, KnowsWhichNamesAreTaken) {
  EXPECT_TRUE(is_log_record_attribute("name"));
  EXPECT_TRUE(is_log_record_attribute("taskName"));
  EXPECT_TRUE(is_log_record_attribute("message"));
  EXPECT_TRUE(is_log_record_attribute("asctime"));
  EXPECT_FALSE(is_log_record_attribute("ms"));
  EXPECT_FALSE(is_log_record_attribute("func_name"));
}

TEST(LogRecordTest, PercentStyleMergesOnlyIfThereAreArguments) {
  LogRecord record;
  record.msg = "100%";
  EXPECT_EQ(record.get_message(), "100%");
  record.args = List{};
  EXPECT_EQ(record.get_message(), "100%");
  record.msg = "%s of %d";
  record.args = List{"x", 3};
  EXPECT_EQ(record.get_message(), "x of 3");
  record.msg = "%(a)s";
  record.args = Dict{{"a", 1}};
  EXPECT_EQ(record.get_message(), "1");
  record.args = List{Dict{{"a", 2}}};
  EXPECT_EQ(record.get_message(), "2");
}

TEST(LogRecordTest, BraceStyleAlwaysMerges) {
  LogRecord record;
  record.style = MessageStyle::kBrace;
  record.msg = "{{}}";
  EXPECT_EQ(record.get_message(), "{}");
}

TEST(LogRecordTest, VerbatimStyleNeverMerges) {
  LogRecord record;
  record.style = MessageStyle::kVerbatim;
  record.msg = "{{}} %s";
  record.args = List{1};
  EXPECT_EQ(record.get_message(), "{{}} %s");
}

TEST(LogRecordTest, MessageThatIsNoTextPrintsAsPythonPrints) {
  LogRecord record;
  record.msg = List{1, "a", None{}};
  EXPECT_EQ(record.get_message(), "[1, 'a', None]");
}

}  // namespace
}  // namespace logbus
