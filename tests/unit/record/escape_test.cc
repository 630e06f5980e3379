// SPDX-License-Identifier: MIT
// A Formatter that escapes: nothing that a record brings passes for a line of its own. And
// BufferingFormatter.
#include <array>
#include <sstream>

#include <gtest/gtest.h>

#include <logbus/buffering_formatter.h>
#include <logbus/formatter.h>

#include "record/line_format.h"

namespace logbus::escape_test {
namespace {

LogRecord message(std::string text) {
  LogRecord record;
  record.msg = std::move(text);
  record.levelname = "INFO";
  return record;
}

std::string escaped(const LogRecord& record, std::string format = "%(levelname)s %(message)s") {
  return Formatter({.format = std::move(format), .escape = true}).format(record);
}

TEST(EscapeTest, IsOffByDefault) {
  EXPECT_EQ(Formatter().format(message("a\nb\x1b")), "a\nb\x1b");
}

TEST(EscapeTest, MakesControlsVisible) {
  EXPECT_EQ(escaped(message("a\nINFO forged\r\n\t\x1b[2J\x07\x7f|")),
            "INFO a\\nINFO forged\\r\\n\\t\\x1b[2J\\x07\\x7f|");
  EXPECT_EQ(escaped(message(std::string("nul\0end", 7))), "INFO nul\\x00end");
  EXPECT_EQ(escaped(message("\xC2\x85\xC2\x9B\xE2\x80\xA8\xE2\x80\xA9")), "INFO \\x85\\x9b\\u2028\\u2029");
  EXPECT_EQ(escaped(message("8-bit \x9B\x31m")), "INFO 8-bit \\x9b1m");
}

TEST(EscapeTest, LeavesTextAlone) {
  EXPECT_EQ(escaped(message("é✓😀 \\n 100% \xC2\xA0")), "INFO é✓😀 \\n 100% \xC2\xA0");
}

TEST(EscapeTest, LeavesTheFormatsOwnTextAlone) {
  EXPECT_EQ(escaped(message("a\nb"), "%(levelname)s\n\t%(message)s\x1b[0m"), "INFO\n\ta\\nb\x1b[0m");
}

TEST(EscapeTest, EscapesEveryFieldOfEveryStyle) {
  LogRecord record = message("m");
  record.name = "x\ny";
  record.extra = {{"user", "eve\nroot"}};
  EXPECT_EQ(escaped(record, "%(name)s %(user)8s %(user)r"), "x\\ny eve\\nroot 'eve\\nroot'");
  EXPECT_EQ(Formatter({.format = "{name} {user:>9}", .style = '{', .escape = true}).format(record),
            "x\\ny  eve\\nroot");
  EXPECT_EQ(Formatter({.format = "$name ${user}", .style = '$', .escape = true}).format(record),
            "x\\ny eve\\nroot");
}

TEST(EscapeTest, IndentsTheLinesOfTraceAndStack) {
  LogRecord record = message("m");
  record.exc_text = "Traceback:\n  File \"x\"\n\tat y\nINFO forged\r\x1b\n\nE: z\n";
  record.stack_info = "Stack\nINFO forged too";
  EXPECT_EQ(escaped(record),
            "INFO m\n    Traceback:\n      File \"x\"\n    \tat y\n    INFO forged\\r\\x1b\n\n    E: z\n"
            "    Stack\n    INFO forged too");
}

TEST(EscapeTest, NoLineButTheFirstBeginsLikeARecord) {
  LogRecord record = message("m\nINFO a\rINFO b\xE2\x80\xA8INFO c\vINFO d\fINFO e\x1cINFO f\xC2\x85INFO g");
  record.exc_text = record.stack_info = *record.msg.get_if<std::string>();
  std::istringstream lines(escaped(record));
  int records = 0;
  for (std::string line; std::getline(lines, line);) records += line.starts_with("INFO") ? 1 : 0;
  EXPECT_EQ(records, 1);
}

TEST(EscapeTest, MakesNoLinesWithoutRecords) {
  LogRecord site = message("m");
  site.style = MessageStyle::kVerbatim;
  EXPECT_TRUE(record::LineFormat(std::make_shared<const Formatter>(), 0).compile(site));
  EXPECT_FALSE(record::LineFormat(std::make_shared<const Formatter>(FormatterOptions{.escape = true}), 0)
                   .compile(site));
}

class Framed : public BufferingFormatter {
 public:
  using BufferingFormatter::BufferingFormatter;

 protected:
  std::string format_header(std::span<const LogRecord> records) const override {
    return "[" + std::to_string(records.size()) + ":";
  }
  std::string format_footer(std::span<const LogRecord>) const override { return "]"; }
};

TEST(BufferingFormatterTest, PutsRecordsBetweenHeaderAndFooter) {
  const std::array records{message("a"), message("b")};
  EXPECT_EQ(BufferingFormatter().format(records), "ab");
  EXPECT_EQ(Framed().format(records), "[2:ab]");
  EXPECT_EQ(
      Framed(std::make_shared<const Formatter>(FormatterOptions{.format = "<%(message)s>"})).format(records),
      "[2:<a><b>]");
}

TEST(BufferingFormatterTest, GivesNothingForNoRecords) {
  EXPECT_EQ(Framed().format({}), "");
}

}  // namespace
}  // namespace logbus::escape_test
