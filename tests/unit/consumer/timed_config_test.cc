// SPDX-License-Identifier: MIT
// The configuration of a TimedRotatingFileHandler.
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <logbus/timed_rotating_file_handler.h>

#include "config_text.h"

namespace logbus::sidecar {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

std::string with_keys(const std::string& keys, const std::string& more = "") {
  return "version: 1\nhandlers:\n  t: {class: logging.handlers.TimedRotatingFileHandler, "
         "filename: /dev/null" +
         keys + "}\n" + more;
}

TimedRotatingOptions read(const std::string& text) {
  return made<TimedRotatingFileHandler>(good(text), "t")->rotation();
}

TEST(TimedConfigTest, HasPythonsDefaults) {
  const TimedRotatingOptions rotation = read(with_keys(""));
  EXPECT_EQ(rotation.when, "h");
  EXPECT_EQ(rotation.interval, 1);
  EXPECT_EQ(rotation.backup_count, 0U);
  EXPECT_FALSE(rotation.utc);
  EXPECT_FALSE(rotation.at_time);
  EXPECT_EQ(rotation.suffix, "");
  EXPECT_FALSE(rotation.compatibility.strict);
  EXPECT_EQ(rotation.compatibility.python_minor, 14);
}

TEST(TimedConfigTest, TakesAllKeys) {
  const TimedRotatingOptions rotation =
      read(with_keys(", when: w6, interval: 2, backupCount: 7, encoding: utf-8, delay: true, utc: true, "
                     "atTime: '02:30', .: {suffix: '%Y%m%d', terminator: x}",
                     "logbus: {compat: strict, python_version: '3.15'}"));
  EXPECT_EQ(rotation.when, "w6");
  EXPECT_EQ(rotation.interval, 2);
  EXPECT_EQ(rotation.backup_count, 7U);
  EXPECT_TRUE(rotation.utc);
  EXPECT_EQ(rotation.at_time, seconds(hours(2) + minutes(30)));
  EXPECT_EQ(rotation.suffix, "%Y%m%d");
  EXPECT_TRUE(rotation.compatibility.strict);
  EXPECT_EQ(rotation.compatibility.python_minor, 15);
}

TEST(TimedConfigTest, TakesNumbersAsPythonDoes) {
  EXPECT_EQ(read(with_keys(", interval: 0.5")).interval, 0.5);
  EXPECT_EQ(read(with_keys(", interval: 2.0")).interval, 2);
  EXPECT_EQ(read(with_keys(", backupCount: -1")).backup_count, 0U);
}

TEST(TimedConfigTest, TakesATimeOfDayWithAndWithoutQuotes) {
  const auto at = [](const std::string& text) { return read(with_keys(", atTime: " + text)).at_time; };
  for (const char* text :
       {"'12:30'", "12:30", "\"12:30:00\"", "12:30:00", "45000", "'12:30:00.5'", "12:30:00.5"})
    EXPECT_EQ(at(text), seconds(45000)) << text;
  EXPECT_EQ(at("00:00"), seconds(0));
  EXPECT_EQ(at("0:00:01"), seconds(1));
  EXPECT_EQ(at("00:12:30"), seconds(750));
  EXPECT_EQ(at("9:05"), hours(9) + minutes(5));
  EXPECT_EQ(at("23:59:59"), seconds(86399));
  EXPECT_EQ(at("null"), std::nullopt);
}

TEST(TimedConfigTest, SaysWhatIsWrong) {
  const auto wrong = [](const std::string& keys) {
    const Lines lines = wrong_with(with_keys(keys));
    return lines.size() == 1 ? lines.front() : "lines: " + std::to_string(lines.size());
  };
  EXPECT_EQ(wrong(", when: fortnight"),
            "f.yaml:3:84: handlers.t.when: Invalid rollover interval specified: FORTNIGHT");
  EXPECT_EQ(wrong(", when: w7"),
            "f.yaml:3:84: handlers.t.when: Invalid day specified for weekly rollover: W7");
  EXPECT_EQ(wrong(", when: w"),
            "f.yaml:3:84: handlers.t.when: You must specify a day for weekly rollover from 0 to 6 (0 is "
            "Monday): W");
  EXPECT_EQ(wrong(", when: 5"),
            "f.yaml:3:84: handlers.t.when: expected a string (in quotes), got an integer 5");
  EXPECT_EQ(wrong(", when: null"), "f.yaml:3:84: handlers.t.when: expected a string, got null");
  EXPECT_EQ(wrong(", interval: '2'"),
            "f.yaml:3:88: handlers.t.interval: expected an integer, got a string \"2\"");
  EXPECT_EQ(wrong(", when: s, interval: 0.5"),
            "f.yaml:3:97: handlers.t.interval: Invalid rollover interval specified: 0.500000 seconds");
  EXPECT_EQ(wrong(", interval: -1"),
            "f.yaml:3:88: handlers.t.interval: expected an integer of at least 0, got an integer -1");
  EXPECT_EQ(wrong(", mode: a"),
            "f.yaml:3:84: handlers.t.mode: a TimedRotatingFileHandler has no mode: it appends");
  for (const char* text :
       {"24:00", "'12:60'", "'12:30:60'", "noon", "'12'", "12", "750", "86400", "'12:30:'", "'12:30:00.'",
        "'12:30:00.1234567'", "'-1:30'", "'12:30x'", "[12, 30]", "''", "'1:2:3:4'"}) {
    EXPECT_NE(wrong(std::string(", atTime: ") + text)
                  .find("handlers.t.atTime: expected a time of day such as \"02:30\" or \"02:30:00\", got "),
              std::string::npos)
        << text << ": " << wrong(std::string(", atTime: ") + text);
  }
}

}  // namespace
}  // namespace logbus::sidecar
