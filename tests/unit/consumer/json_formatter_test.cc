// SPDX-License-Identifier: MIT
// JsonFormatter. tests/reference compares the Python dialect with python-json-logger itself.
#include <logbus/json_formatter.h>

#include <cstdlib>
#include <ctime>
#include <limits>

#include <gtest/gtest.h>

#include <logbus/error.h>

namespace logbus {
namespace {

using namespace std::string_literals;

using Dialect = JsonFormatterOptions::Dialect;

LogRecord sample() {
  LogRecord record;
  record.name = "orders.api";
  record.msg = "paid {}";
  record.args = List{8};
  record.style = MessageStyle::kBrace;
  record.levelname = "INFO";
  record.levelno = 20;
  record.created_ns = 1'700'000'000'007'654'321;  // 2023-11-14 22:13:20.007654321 UTC
  return record;
}

std::string format(const JsonFormatterOptions& options, const LogRecord& record = sample()) {
  return JsonFormatter(options).format(record);
}

/// The object without its first field, the time.
std::string rest(const LogRecord& record) {
  return format({.fields = {"message"}}, record);
}

class JsonFormatterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::setenv("TZ", "Asia/Kolkata", 1);
    ::tzset();
  }
  void TearDown() override {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
};

TEST_F(JsonFormatterTest, HasTimeLevelLoggerMessageByDefault) {
  EXPECT_EQ(
      format({}),
      R"({"time":"2023-11-15T03:43:20.007654+05:30","level":"INFO","logger":"orders.api","message":"paid 8"})");
}

TEST_F(JsonFormatterTest, ShowsTheFractionThatIsAskedFor) {
  const auto time = [](int digits) {
    return format({.format = {.utc = true}, .fields = {"time"}, .fraction_digits = digits});
  };
  EXPECT_EQ(time(0), R"({"time":"2023-11-14T22:13:20+00:00"})");
  EXPECT_EQ(time(3), R"({"time":"2023-11-14T22:13:20.007+00:00"})");
  EXPECT_EQ(time(9), R"({"time":"2023-11-14T22:13:20.007654321+00:00"})");
}

TEST_F(JsonFormatterTest, GivesTheNearestMicrosecond) {
  const auto time = [](std::int64_t created_ns, int digits) {
    LogRecord record = sample();
    record.created_ns = created_ns;
    return format({.format = {.utc = true}, .fields = {"time"}, .fraction_digits = digits}, record);
  };
  EXPECT_EQ(time(1'700'000'000'122'999'906, 6),
            R"({"time":"2023-11-14T22:13:20.123000+00:00"})");  // 1700000000.123
  EXPECT_EQ(time(1'700'000'000'122'999'906, 3), R"({"time":"2023-11-14T22:13:20.123+00:00"})");
  EXPECT_EQ(time(1'700'000'000'122'999'906, 9), R"({"time":"2023-11-14T22:13:20.122999906+00:00"})");
  EXPECT_EQ(time(1'700'000'000'999'999'499, 6), R"({"time":"2023-11-14T22:13:20.999999+00:00"})");
  EXPECT_EQ(time(1'700'000'000'999'999'500, 6), R"({"time":"2023-11-14T22:13:21.000000+00:00"})");
  EXPECT_EQ(time(-1, 9), R"({"time":"1969-12-31T23:59:59.999999999+00:00"})");
}

TEST_F(JsonFormatterTest, PutsExtraFieldsThenTraceAndStackBehindTheChosenOnes) {
  LogRecord record = sample();
  record.exc_text = "Traceback\n  here";
  record.stack_info = "Stack";
  record.extra = {{"ms", 1.5}, {"tags", List{1, "a", None{}}}};
  EXPECT_EQ(
      rest(record),
      R"({"message":"paid 8","ms":1.5,"tags":[1,"a",null],"exc_info":"Traceback\n  here","stack_info":"Stack"})");
  EXPECT_EQ(format({.fields = {"message"},
                    .exc_info_as_array = true,
                    .stack_info_as_array = true,
                    .extra_fields = false},
                   record),
            R"({"message":"paid 8","exc_info":["Traceback","  here"],"stack_info":["Stack"]})");
}

TEST_F(JsonFormatterTest, SplitsTracesAtEveryKindOfLineEnd) {
  LogRecord record = sample();
  record.exc_text =
      "a\nb\r\nc\rd\ve\x1d"
      "f\xC2\x85g\xE2\x80\xA8h\n\ni\n";
  EXPECT_EQ(format({.fields = {"message"}, .exc_info_as_array = true}, record),
            R"({"message":"paid 8","exc_info":["a","b","c","d","e","f","g","h","","i"]})");
}

TEST_F(JsonFormatterTest, TakesItsFieldsFromAFormatOfAnyStyle) {
  const std::string expected = R"({"levelname":"INFO","message":"paid 8","nope":null})";
  EXPECT_EQ(format({.format = {.format = "%(levelname)-8s %(message)s %(nope)s"}}), expected);
  EXPECT_EQ(format({.format = {.format = "{levelname} {message} {nope}", .style = '{'}}), expected);
  EXPECT_EQ(format({.format = {.format = "$levelname $$x ${message} $nope", .style = '$'}}), expected);
  EXPECT_EQ(format({.format = {.format = " levelname,message, ,nope", .style = ','}}), expected);
}

TEST_F(JsonFormatterTest, RenamesFields) {
  LogRecord record = sample();
  record.extra = {{"ms", 1}};
  EXPECT_EQ(format({.fields = {"level", "message"},
                    .rename_fields = {{"level", "severity"}, {"ms", "took"}, {"none", "absent"}}},
                   record),
            R"({"severity":"INFO","message":"paid 8","took":1})");
}

TEST_F(JsonFormatterTest, NeverHasTheSameKeyTwice) {
  LogRecord record = sample();
  record.extra = {{"level", "forged"}, {"level", "again"}, {"level_", "third"}, {"exc_info", "x"}};
  record.exc_text = "T";
  EXPECT_EQ(format({.fields = {"level", "message"}, .static_fields = {{"message", "constant"}}}, record),
            R"({"level":"INFO","message":"paid 8","message_":"constant","level_":"forged","level__":"again",)"
            R"("level___":"third","exc_info":"x","exc_info_":"T"})");
}

TEST_F(JsonFormatterTest, NeverHasTheSameKeyTwiceWithinAValue) {
  LogRecord record = sample();
  record.extra = {{"d", Dict{{1, "number"}, {"1", "text"}, {None{}, 1}, {"null", 2}, {true, 3}}}};
  EXPECT_EQ(rest(record),
            R"({"message":"paid 8","d":{"1":"number","1_":"text","null":1,"null_":2,"true":3}})");
}

TEST_F(JsonFormatterTest, FindsKeysAmongManyFields) {
  LogRecord record = sample();
  for (int i = 0; i < 100; ++i) record.extra.emplace_back("f" + std::to_string(i % 50), i);
  const std::string text = rest(record);
  EXPECT_NE(text.find(R"("f49":49)"), std::string::npos);
  EXPECT_NE(text.find(R"("f49_":99)"), std::string::npos);
}

TEST_F(JsonFormatterTest, IsValidJsonWhateverTheRecordHolds) {
  LogRecord record = sample();
  record.msg = "\0\x1b[2J\x7f\t\r\n\"\\\b\f é😀 \xC2\x9B \xE2\x80\xA8 \xFF"s;
  record.args = None{};
  record.style = MessageStyle::kVerbatim;
  record.extra = {{"nan", std::numeric_limits<double>::quiet_NaN()},
                  {"inf", -std::numeric_limits<double>::infinity()},
                  {"big", std::uint64_t{18446744073709551615U}},
                  {"f", 0.1F},
                  {"d", 1e16},
                  {"set", Set{List{1, 2}}},
                  {"tuple", Tuple{List{1}}},
                  {"none", None{}},
                  {"yes", true},
                  {"c", 'x'},
                  {"p", Pointer{255}},
                  {"t", Text{"made"}},
                  {"time", TimePoint{1'700'000'000, 7'000}},
                  {"took", Duration{1, 1000, std::int64_t{5}}},
                  {"empty", Dict{}}};
  EXPECT_EQ(
      rest(record),
      R"({"message":"\u0000\u001b[2J\u007f\t\r\n\"\\\b\f é😀 \u009b \u2028 \\xff","nan":null,"inf":null,)"
      R"("big":18446744073709551615,"f":0.1,"d":1e+16,"set":[1,2],"tuple":[1],"none":null,"yes":true,)"
      R"("c":"x","p":"0xff","t":"made","time":"2023-11-15T03:43:20.000007+05:30","took":"5ms","empty":{}})");
}

TEST_F(JsonFormatterTest, EscapesWhatIsBeyondAsciiWhereAsked) {
  LogRecord record = sample();
  record.msg = "é✓😀\x7f";
  record.args = None{};
  EXPECT_EQ(format({.fields = {"message"}, .ensure_ascii = true}, record),
            R"({"message":"\u00e9\u2713\ud83d\ude00\u007f"})");
}

TEST_F(JsonFormatterTest, IndentsWhereAsked) {
  LogRecord record = sample();
  record.extra = {{"list", List{1, Dict{}}}, {"none", List{}}};
  EXPECT_EQ(format({.fields = {"message"}, .prefix = "json: ", .indent = "  "}, record),
            "json: {\n  \"message\": \"paid 8\",\n  \"list\": [\n    1,\n    {}\n  ],\n  \"none\": []\n}");
}

TEST_F(JsonFormatterTest, ThrowsIfArgumentsDontFit) {
  LogRecord record = sample();
  record.style = MessageStyle::kPercent;
  record.msg = "%d %d";
  EXPECT_THROW(format({.fields = {"level"}}, record), std::exception);
}

TEST_F(JsonFormatterTest, RefusesAFormatThatIsNotValid) {
  EXPECT_THROW(format({.format = {.format = "plain"}}), Error);
  EXPECT_THROW(format({.format = {.style = '!'}}), Error);
}

TEST_F(JsonFormatterTest, FollowsPythonJsonLoggerInItsDialect) {
  LogRecord record = sample();
  record.extra = {{"ms", std::numeric_limits<double>::quiet_NaN()}, {"_hidden", 1}, {"set", Set{List{1}}}};
  record.exc_text = "T";
  EXPECT_EQ(
      format(
          {.dialect = Dialect::kPython,
           .format = {.format = "%(levelname)s %(message)s", .defaults = {{"levelname", "x"}, {"host", "h"}}},
           .rename_fields = {{"exc_info", "error"}, {"gone", "kept"}},
           .rename_fields_keep_missing = true,
           .static_fields = {{"app", "shop"}},
           .timestamp = "ts",
           .ensure_ascii = true},
          record),
      R"({"levelname": "INFO", "host": "h", "message": "paid 8", "app": "shop", "error": "T", "ms": NaN, )"
      R"("set": "{1}", "ts": "2023-11-14T22:13:20.007654+00:00", "kept": null})");
}

TEST_F(JsonFormatterTest, TakesADictAsTheMessageInPythonsDialect) {
  LogRecord record = sample();
  record.msg = Dict{{"message", "own"}, {"exc_info", ""}, {2, 3}};
  record.args = None{};
  record.exc_text = "T";
  EXPECT_EQ(format({.dialect = Dialect::kPython, .format = {.format = "%(message)s %(name)s"}}, record),
            R"({"message": "own", "name": "orders.api", "exc_info": "T", "2": 3})");
}

TEST_F(JsonFormatterTest, PythonsDialectGivesAttributesThatAreNotReserved) {
  EXPECT_EQ(
      format({.dialect = Dialect::kPython,
              .format = {.format = "%(levelno)s"},
              .reserved_attrs =
                  std::vector<std::string>{"msg", "args", "pathname", "filename", "module", "exc_info",
                                           "exc_text", "stack_info", "created", "msecs", "relativeCreated",
                                           "thread", "threadName", "processName", "process", "funcName"}}),
      R"({"levelno": 20, "name": "orders.api", "levelname": "INFO", "lineno": 0, "taskName": null, )"
      R"("message": "paid 8"})");
}

}  // namespace
}  // namespace logbus
