// SPDX-License-Identifier: MIT
// Records as JSON, and what logging.makeLogRecord() makes of a JSON object.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "tools/json_text.h"
#include "wire/codec.h"

namespace logbus::tools {
namespace {

LogRecord made(std::string_view line) {
  return make_log_record(parse_json_line(line));
}

void expect_same(const LogRecord& a, const LogRecord& b) {
  // The wire's form has every attribute that travels.
  std::string first;
  std::string second;
  wire::encode_record(a, first);
  wire::encode_record(b, second);
  EXPECT_EQ(first, second) << json_line(to_json(a)) << '\n' << json_line(to_json(b));
}

TEST(MakeLogRecordTest, GivesAbsentKeysPythonsDefaults) {
  const LogRecord record = made("{}");
  EXPECT_EQ(record.name, "None");
  EXPECT_EQ(record.attribute("name"), Value(None{}));
  EXPECT_EQ(record.levelname, "Level None");
  EXPECT_EQ(record.attribute("levelno"), Value(None{}));
  EXPECT_EQ(record.attribute("funcName"), Value(None{}));
  EXPECT_EQ(record.get_message(), "");
  EXPECT_EQ(record.style, MessageStyle::kPercent);
  EXPECT_EQ(record.lineno, 0);
  EXPECT_EQ(record.thread_name, "MainThread");
  EXPECT_EQ(record.process_name, "MainProcess");
  EXPECT_EQ(record.created_ns, 0);
  EXPECT_TRUE(record.extra.empty());
}

TEST(MakeLogRecordTest, DerivesNothingFromAPathname) {
  const LogRecord record = made(R"({"pathname":"/p/f.py"})");
  EXPECT_EQ(record.attribute("pathname"), Value("/p/f.py"));
  EXPECT_EQ(record.attribute("filename"), Value(""));
  EXPECT_EQ(record.attribute("module"), Value(""));
}

TEST(MakeLogRecordTest, KeepsTheSignOfARelativeZero) {
  const LogRecord record = made(R"({"created":1.5,"relativeCreated":-0.0})");
  EXPECT_TRUE(std::signbit(*record.attribute("relativeCreated")->get_if<double>()));
}

TEST(MakeLogRecordTest, TakesPythonsAttributes) {
  const LogRecord record = made(
      R"({"name":"a.b","msg":"%s is %d","args":["x",3],"levelname":"INFO","levelno":20,"pathname":"/p/f.py",)"
      R"("filename":"f.py","module":"f","lineno":7,"funcName":"f","thread":9,"threadName":"T","process":5,"processName":"P","exc_text":"E",)"
      R"("stack_info":"S","taskName":null,"exc_info":null})");
  EXPECT_EQ(record.name, "a.b");
  EXPECT_EQ(record.get_message(), "x is 3");
  EXPECT_EQ(record.levelno, 20);
  EXPECT_EQ(record.filename(), "f.py");
  EXPECT_EQ(record.lineno, 7);
  EXPECT_EQ(record.func_name, "f");
  EXPECT_EQ(record.thread, 9U);
  EXPECT_EQ(record.process, 5);
  EXPECT_EQ(record.exc_text, "E");
  EXPECT_EQ(record.stack_info, "S");
  EXPECT_TRUE(record.overrides.empty());
}

TEST(MakeLogRecordTest, MergesOneMapping) {
  EXPECT_EQ(made(R"({"msg":"%(a)s-%(b)d","args":{"a":"x","b":2}})").get_message(), "x-2");
}

TEST(MakeLogRecordTest, KeepsUnknownKeysInOrder) {
  const LogRecord record = made(R"({"zebra":1,"msg":"m","apple":[1,2.0,null],"mango":{"k":true}})");
  ASSERT_EQ(record.extra.size(), 3U);
  EXPECT_EQ(record.extra[0], (std::pair<std::string, Value>("zebra", Value(1))));
  EXPECT_EQ(record.extra[1].second, Value(List{Value(1), Value(2.0), Value(None{})}));
  EXPECT_EQ(record.extra[2].second, Value(Dict{{Value("k"), Value(true)}}));
}

TEST(MakeLogRecordTest, KeepsValuesThatNoMemberHolds) {
  const LogRecord record =
      made(R"({"name":null,"levelno":12.5,"lineno":"x","msecs":3.5,"thread":-1,"exc_text":""})");
  EXPECT_EQ(record.attribute("name"), Value(None{}));
  EXPECT_EQ(record.attribute("levelno"), Value(12.5));
  EXPECT_EQ(record.levelno, 12);
  EXPECT_EQ(record.attribute("lineno"), Value("x"));
  EXPECT_EQ(record.attribute("msecs"), Value(3.5));
  EXPECT_EQ(record.attribute("thread"), Value(-1));
  EXPECT_EQ(record.attribute("exc_text"), Value(""));
}

// A reader of the bus would refuse it.
TEST(MakeLogRecordTest, TakesADurationWithoutAUnitForADict) {
  const LogRecord record = made(R"({"a":{"$duration":[0,1000,5]},"b":{"$duration":[1,1000,5]}})");
  EXPECT_NE(record.extra[0].second.get_if<Dict>(), nullptr);
  EXPECT_EQ(record.extra[1].second, Value(Duration{1, 1000, std::int64_t{5}}));
}

TEST(MakeLogRecordTest, KeepsCreatedExactly) {
  const LogRecord record = made(R"({"created":1772352842.118204})");
  EXPECT_EQ(record.created(), 1772352842.118204);
  EXPECT_EQ(record.created_ns, 1772352842118204117);
  EXPECT_EQ(made(R"({"created":1772352842})").attribute("created"), Value(1772352842));
  EXPECT_EQ(made(R"({"created":0.1234567890123})").attribute("created"), Value(0.1234567890123));
  EXPECT_EQ(made(R"({"created":0.0})").attribute("created"), Value(0.0));
  EXPECT_EQ(made(R"({"created":1e300})").attribute("created"), Value(1e300));
}

TEST(MakeLogRecordTest, PrefersIntegerNanosecondsThatAgree) {
  EXPECT_EQ(made(R"({"created":1772352842.118204,"created_ns":1772352842118204311})").created_ns,
            1772352842118204311);
  EXPECT_EQ(made(R"({"created":1772352842.118204,"created_ns":1772352842118204311})").attribute("created"),
            Value(1772352842.118204));
  const LogRecord contradicting = made(R"({"created":5.5,"created_ns":1772352842118204311})");
  EXPECT_EQ(contradicting.created(), 5.5);
  EXPECT_EQ(contradicting.attribute("created_ns"), Value(std::int64_t{1772352842118204311}));
}

TEST(MakeLogRecordTest, RefusesWhatIsNoObject) {
  EXPECT_THROW(made("[1]"), std::invalid_argument);
  EXPECT_THROW(made("3"), std::invalid_argument);
  EXPECT_THROW(made("{\"a\":"), std::invalid_argument);
  EXPECT_THROW(made("{\"a\":\"\xFF\"}"), std::invalid_argument);
  EXPECT_THROW(made("{} {}"), std::invalid_argument);
  EXPECT_THROW(made("{\"a\":" + std::string(1000, '[') + std::string(1000, ']') + "}"),
               std::invalid_argument);
}

TEST(JsonRecordTest, ComesBackFromItsOwnJson) {
  LogRecord record;
  record.name = "orders.api";
  record.msg = "charge {} for {:.2f}";
  record.style = MessageStyle::kBrace;
  record.args = List{Value("a\x1b\"b"),
                     Value(0.1f),
                     Value('c'),
                     Value(Pointer{4096}),
                     Value(Text{"t"}),
                     Value(TimePoint{-5, 7}),
                     Value(Duration{1, 1000, std::int64_t{5}}),
                     Value(Duration{60, 1, 2.5}),
                     Value(Tuple{{Value(1), Value(true)}}),
                     Value(Set{{Value("s")}}),
                     Value(Dict{{Value(1), Value("one")}}),
                     Value(Dict{{Value("$text"), Value("not a tag")}}),
                     Value(Dict{{Value("k"), Value(None{})}}),
                     Value(std::uint64_t{18446744073709551615U}),
                     Value(std::numeric_limits<double>::infinity()),
                     Value(-0.0),
                     Value(3.0)};
  record.levelno = 25;
  record.levelname = "NOTICE";
  record.pathname = "/src/api.cpp";
  record.lineno = 88;
  record.func_name = "handle";
  record.exc_text = "std::runtime_error: card declined";
  record.created_ns = 1772352842118204311;
  record.start_ns = 1772352000000000001;
  record.thread = 4719;
  record.thread_name = "rx-1";
  record.process_name = "web-2";
  record.process = 4712;
  record.extra = {{"ms", Value(183.2)}, {"sql_id", Value(42)}};
  expect_same(made(json_line(to_json(record))), record);
}

TEST(JsonRecordTest, ComesBackWithItsOverrides) {
  const LogRecord record =
      made(R"({"msg":1.5,"created":7,"relativeCreated":"x","levelno":null,"late":false})");
  LogRecord stamped = record;
  expect_same(made(json_line(to_json(stamped))), record);
}

TEST(JsonRecordTest, WritesNoControlByte) {
  const std::string line = json_line(Json("a\x1b\x7f\xC2\x9B\n\xFF"));
  EXPECT_EQ(line, "\"a\\u001b\\u007f\\u009b\\n\xEF\xBF\xBD\"");
}

}  // namespace
}  // namespace logbus::tools
