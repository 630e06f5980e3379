// SPDX-License-Identifier: MIT
// Formatter; tests/reference compares far more with CPython itself.
#include <logbus/formatter.h>

#include <cstdlib>
#include <ctime>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <logbus/error.h>

namespace logbus::formatter_test {
namespace {

LogRecord sample() {
  LogRecord record;
  record.name = "orders.api";
  record.msg = "slow {}";
  record.args = List{"query"};
  record.style = MessageStyle::kBrace;
  record.levelname = "WARNING";
  record.levelno = 30;
  record.lineno = 88;
  record.process = 4712;
  record.created_ns = 1'700'000'000'007'000'000;  // 2023-11-14 22:13:20.007 UTC
  record.extra = {{"ms", 183.0}, {"hit", true}};
  return record;
}

std::string format(FormatterOptions options, const LogRecord& record = sample()) {
  options.utc = true;
  return Formatter(std::move(options)).format(record);
}

std::string refusal(FormatterOptions options) {
  try {
    const Formatter formatter(std::move(options));
    return "accepted";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(FormatterTest, PrintsTheMessageByDefault) {
  EXPECT_EQ(format({}), "slow query");
  EXPECT_EQ(format({.style = '{'}), "slow query");
  EXPECT_EQ(format({.style = '$'}), "slow query");
}

TEST(FormatterTest, ThreeStylesPrintTheSame) {
  const std::string expected = "2023-11-14 22:13:20,007 4712 orders.api WARNING slow query 183.0 True";
  EXPECT_EQ(format({.format = "%(asctime)s %(process)d %(name)s %(levelname)s %(message)s %(ms)s %(hit)s"}),
            expected);
  EXPECT_EQ(format({.format = "{asctime} {process} {name} {levelname} {message} {ms} {hit}", .style = '{'}),
            expected);
  EXPECT_EQ(format({.format = "$asctime ${process} $name $levelname $message $ms $hit", .style = '$'}),
            expected);
}

TEST(FormatterTest, AppendsBehindWhatIsThere) {
  std::string out = "before ";
  Formatter().format(sample(), out);
  EXPECT_EQ(out, "before slow query");
}

TEST(FormatterTest, DatefmtHasNoMilliseconds) {
  EXPECT_EQ(format({.format = "%(asctime)s", .datefmt = "%H:%M:%S %%"}), "22:13:20 %");
  EXPECT_EQ(format({.format = "%(asctime)s", .default_msec_format = ""}), "2023-11-14 22:13:20");
  EXPECT_EQ(
      format({.format = "%(asctime)s", .default_time_format = "%H:%M", .default_msec_format = "%s.%03d"}),
      "22:13.007");
}

TEST(FormatterTest, TimeFollowsEachRecordAndEachFormatter) {
  const Formatter local({.format = "%(asctime)s", .utc = true});
  const Formatter hour({.format = "%(asctime)s", .datefmt = "%H", .utc = true});
  LogRecord record = sample();
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(local.format(record), "2023-11-14 22:13:20,007");
    EXPECT_EQ(hour.format(record), "22");
    record.created_ns += 3'600'000'000'000;
    EXPECT_EQ(local.format(record), "2023-11-14 23:13:20,007");
    EXPECT_EQ(hour.format(record), "23");
    record.created_ns -= 3'600'000'000'000;
  }
}

TEST(FormatterTest, NewFormatterNeverSeesAnothersCachedTime) {
  for (const char* datefmt : {"a%H", "b%H", "c%H", "d%H", "e%H", "f%H", "g%H", "h%H"}) {
    EXPECT_EQ(format({.format = "%(asctime)s", .datefmt = datefmt}), std::string(1, *datefmt) + "22");
  }
}

TEST(FormatterTest, LongTimesAreFormattedToo) {
  const std::string words(200, 'x');
  const std::string expected = words + "22 orders.api";
  const Formatter formatter({.format = "%(asctime)s %(name)s", .datefmt = words + "%H", .utc = true});
  EXPECT_EQ(formatter.format(sample()), expected);
  EXPECT_EQ(formatter.format(sample()), expected);
  EXPECT_EQ(format({.format = "%(asctime)s", .default_time_format = words}), words + ",007");
}

TEST(FormatterTest, FormatsOnSeveralThreadsAtOnce) {
  const Formatter formatter({.format = "%(asctime)s %(message)s", .utc = true});
  std::vector<std::jthread> threads;
  std::vector<int> wrong(4);
  for (std::size_t index = 0; index < wrong.size(); ++index) {
    threads.emplace_back([&, index] {
      for (int round = 0; round < 1000; ++round) {
        if (formatter.format(sample()) != "2023-11-14 22:13:20,007 slow query") ++wrong[index];
      }
    });
  }
  threads.clear();
  EXPECT_EQ(wrong, std::vector<int>(4));
}

TEST(FormatterTest, MillisecondsComeFromTheAttribute) {
  LogRecord record = sample();
  record.overrides = {{"msecs", 999.9}};
  EXPECT_EQ(format({.format = "%(asctime)s %(msecs)03d"}, record), "2023-11-14 22:13:20,999 999");
  record.overrides = {{"msecs", 1000.0}};
  EXPECT_EQ(format({.format = "%(asctime)s"}, record), "2023-11-14 22:13:20,1000");
}

TEST(FormatterTest, TracebackAndStackStartOnANewLine) {
  LogRecord record;
  record.msg = "m\n";
  record.exc_text = "T\n";
  record.stack_info = "S";
  EXPECT_EQ(format({}, record), "m\nT\nS");
  record.msg = "m";
  record.exc_text = "T";
  EXPECT_EQ(format({}, record), "m\nT\nS");
  record.exc_text = "";
  EXPECT_EQ(format({}, record), "m\nS");
  record.msg = "";
  EXPECT_EQ(format({}, record), "\nS");
  std::string out = "earlier record\n";
  Formatter().format(record, out);
  EXPECT_EQ(out, "earlier record\n\nS");
}

TEST(FormatterTest, RecordWinsOverDefaults) {
  FormatterOptions options{.format = "%(ms)s %(zone)s"};
  options.defaults = {{"ms", "none"}, {"zone", "eu"}};
  EXPECT_EQ(format(std::move(options)), "183.0 eu");
}

TEST(FormatterTest, MissingFieldIsAnError) {
  for (const auto& [style, text] : {std::pair{'%', "%(nope)s"}, {'{', "{nope}"}, {'$', "$nope"}}) {
    try {
      (void)format({.format = text, .style = style});
      FAIL() << text;
    } catch (const std::exception& error) {
      EXPECT_STREQ(error.what(), "ValueError: Formatting field not found in record: 'nope'");
    }
  }
}

TEST(FormatterTest, ArgumentsThatDoNotFitAreAnErrorEvenIfTheMessageIsNotShown) {
  LogRecord record;
  record.msg = "%d";
  record.args = List{"x"};
  EXPECT_THROW((void)format({.format = "%(name)s"}, record), std::exception);
}

TEST(FormatterTest, RefusesAnUnknownStyle) {
  EXPECT_EQ(refusal({.style = '!'}), "Style must be one of: %,{,$");
}

TEST(FormatterTest, RefusesFormatsInPythonsWords) {
  EXPECT_EQ(refusal({.format = "plain"}), "Invalid format 'plain' for '%' style");
  EXPECT_EQ(refusal({.format = "%(message)ld"}), "Invalid format '%(message)ld' for '%' style");
  EXPECT_EQ(refusal({.format = "{{message}}", .style = '{'}), "invalid format: no fields");
  EXPECT_EQ(refusal({.format = "{message!x}", .style = '{'}), "invalid format: invalid conversion: 'x'");
  EXPECT_EQ(refusal({.format = "{message:Q}", .style = '{'}), "invalid format: bad specifier: 'Q'");
  EXPECT_EQ(refusal({.format = "{name.}", .style = '{'}),
            "invalid format: invalid field name/expression: 'name.'");
  EXPECT_EQ(refusal({.format = "a $ b", .style = '$'}), "invalid format: bare '$' not allowed");
  EXPECT_EQ(refusal({.format = "plain", .style = '$'}), "invalid format: no fields");
}

TEST(FormatterTest, TakesAnyFormatUnvalidated) {
  EXPECT_EQ(refusal({.format = "plain", .validate = false}), "accepted");
  EXPECT_EQ(format({.format = "plain", .validate = false}), "plain");
}

TEST(FormatterTest, LocalTimeIsTheProcesssZone) {
  const char* before = std::getenv("TZ");
  const std::string kept = before == nullptr ? "" : before;
  setenv("TZ", "EET-2", 1);
  tzset();
  EXPECT_EQ(Formatter({.format = "%(asctime)s"}).format(sample()), "2023-11-15 00:13:20,007");
  before == nullptr ? unsetenv("TZ") : setenv("TZ", kept.c_str(), 1);
  tzset();
}

}  // namespace
}  // namespace logbus::formatter_test
