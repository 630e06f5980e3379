// SPDX-License-Identifier: MIT
// Handler: filters, errors, counters.
#include <logbus/handler.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "captured_stderr.h"

namespace logbus::handler_test {
namespace {

class Memory : public Handler {
 public:
  std::vector<std::string> lines;

 protected:
  void emit(const LogRecord& record) override {
    std::string line;
    format(record, line);
    lines.push_back(line);
  }
};

class Failing : public Handler {
 protected:
  void emit(const LogRecord&) override { throw std::runtime_error("disk on fire"); }
};

class Network : public Handler {
 public:
  void lose_one_taken() { count_dropped(DropReason::kShutdown); }
  void fail(const std::string& what) { handle_error(nullptr, std::runtime_error(what)); }

 protected:
  void emit(const LogRecord& record) override {
    if (record.msg == Value("large")) return count_dropped(DropReason::kTooLarge);
    count_retry(2);
    set_waiting(1);
  }
};

class Rename : public Filter {
 public:
  bool filter(LogRecord& record) const override {
    record.name = "renamed";
    return true;
  }
};

LogRecord message(std::string_view text) {
  LogRecord record;
  record.msg = text;
  return record;
}

// The process reports at most so many errors a second: a test that looks for its own waits for the next
// second by asking until the report is there.
std::string report_of(Handler& handler, const LogRecord& record) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  do {
    const CapturedStderr captured;
    handler.handle(record);
    if (!captured.text().empty()) return captured.text();
    std::this_thread::yield();
  } while (std::chrono::steady_clock::now() < deadline);
  return "no report in 5 s";
}

TEST(HandlerTest, FormatsTheMessageAloneWithoutAFormatter) {
  Memory handler;
  EXPECT_TRUE(handler.handle(message("hello")));
  EXPECT_EQ(handler.lines, std::vector<std::string>{"hello"});
  EXPECT_EQ(handler.counters().records, 1U);
}

TEST(HandlerTest, UsesItsFormatter) {
  Memory handler;
  handler.set_formatter(std::make_shared<Formatter>(FormatterOptions{.format = "[%(message)s]"}));
  handler.handle(message("hello"));
  EXPECT_EQ(handler.lines, std::vector<std::string>{"[hello]"});
}

TEST(HandlerTest, LooksNotAtItsLevel) {
  Memory handler;
  handler.set_level(Level::kError);
  EXPECT_TRUE(handler.handle(message("debug")));
  EXPECT_EQ(handler.lines.size(), 1U);
}

TEST(HandlerTest, RefusedRecordIsNotEmitted) {
  Memory handler;
  handler.add_filter(std::make_shared<Filter>("other"));
  EXPECT_FALSE(handler.handle(message("hello")));
  EXPECT_TRUE(handler.lines.empty());
  EXPECT_EQ(handler.counters().records, 0U);
}

TEST(HandlerTest, FilterChangesTheRecordForThisHandlerOnly) {
  Memory handler;
  handler.set_formatter(std::make_shared<Formatter>(FormatterOptions{.format = "%(name)s"}));
  handler.add_filter(std::make_shared<Rename>());
  const LogRecord record = message("hello");
  EXPECT_TRUE(handler.handle(record));
  EXPECT_EQ(handler.lines, std::vector<std::string>{"renamed"});
  EXPECT_EQ(record.name, "root");
}

TEST(HandlerTest, ErrorIsToldInPythonsShapeAndCounted) {
  Failing handler;
  LogRecord record = message("%s it's");
  record.args = List{"x", 1};
  std::string report = report_of(handler, record);
  if (report.starts_with("--- 1") || report.find("not shown") != report.npos)
    report.erase(0, report.find('\n') + 1);
  EXPECT_EQ(report, "--- Logging error ---\ndisk on fire\nMessage: \"%s it's\"\nArguments: ('x', 1)\n");
  EXPECT_EQ(handler.counters().records, 0U);
  EXPECT_GE(handler.counters().errors, 1U);
  EXPECT_EQ(handler.counters().dropped, handler.counters().errors);
}

TEST(HandlerTest, ErrorsAreToldAtMostTenTimesASecond) {
  Failing handler;
  const auto begin = std::chrono::steady_clock::now();
  const CapturedStderr captured;
  for (int count = 0; count < 1000; ++count) handler.handle(message("x"));
  const auto seconds =
      std::chrono::ceil<std::chrono::seconds>(std::chrono::steady_clock::now() - begin).count();
  const std::string text = captured.text();
  long reports = 0;
  for (std::size_t at = 0; (at = text.find("--- Logging error ---", at)) != text.npos; ++at) ++reports;
  EXPECT_LE(reports, 10 * (seconds + 1));
  EXPECT_EQ(handler.counters().errors, 1000U);
}

TEST(HandlerTest, RecordThatCannotBeFormattedIsDroppedAndTheNextIsFine) {
  Memory handler;
  handler.set_formatter(std::make_shared<Formatter>(FormatterOptions{.format = "%(ms)s"}));
  const CapturedStderr captured;
  handler.handle(message("no such field"));
  LogRecord record = message("x");
  record.extra = {{"ms", 1}};
  handler.handle(record);
  EXPECT_EQ(handler.lines, std::vector<std::string>{"1"});
  EXPECT_EQ(handler.counters().dropped, 1U);
}

TEST(HandlerTest, RecordsAreEmittedOrDroppedForAReason) {
  Network handler;
  handler.handle(message("large"));
  for (int count = 0; count < 3; ++count) handler.handle(message("small"));
  handler.lose_one_taken();
  const HandlerCounters& counters = handler.counters();
  const auto dropped_for = [&](DropReason reason) {
    return counters.dropped_for[static_cast<std::size_t>(reason)].load();
  };
  EXPECT_EQ(counters.records, 2U);
  EXPECT_EQ(counters.dropped, 2U);
  EXPECT_EQ(dropped_for(DropReason::kTooLarge), 1U);
  EXPECT_EQ(dropped_for(DropReason::kShutdown), 1U);
  EXPECT_EQ(dropped_for(DropReason::kError), 0U);
  EXPECT_EQ(counters.retries, 6U);
  EXPECT_EQ(counters.waiting, 1U);
  EXPECT_EQ(drop_reason_name(DropReason::kTooLarge), "too_large");
  EXPECT_EQ(drop_reason_name(DropReason::kShutdown), "shutdown");
}

TEST(HandlerTest, WhatEmitThrowsIsDroppedForAnError) {
  Failing handler;
  const CapturedStderr captured;
  handler.handle(message("x"));
  EXPECT_EQ(handler.counters().dropped_for[static_cast<std::size_t>(DropReason::kError)], 1U);
}

TEST(HandlerTest, RemembersTheLastErrorAndWhen) {
  Network handler;
  EXPECT_EQ(handler.last_error().time_ns, 0);
  const CapturedStderr captured;
  handler.fail("first");
  const HandlerError first = handler.last_error();
  EXPECT_EQ(first.text, "first");
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  EXPECT_LE(std::chrono::nanoseconds(first.time_ns), now);
  EXPECT_GT(std::chrono::nanoseconds(first.time_ns), now - std::chrono::minutes(1));
  handler.fail("");
  EXPECT_EQ(handler.last_error().text, "");
  EXPECT_GE(handler.last_error().time_ns, first.time_ns);
}

TEST(HandlerTest, TheLastErrorsTextIsCutBetweenCharacters) {
  Network handler;
  const CapturedStderr captured;
  handler.fail(std::string(120, 'a'));
  EXPECT_EQ(handler.last_error().text, std::string(120, 'a'));
  handler.fail(std::string(121, 'b'));
  EXPECT_EQ(handler.last_error().text, std::string(120, 'b'));
  handler.fail(std::string(119, 'c') + "\u00e9");
  EXPECT_EQ(handler.last_error().text, std::string(119, 'c'));
  handler.fail(std::string(500, '\x80'));  // no character at all
  EXPECT_EQ(handler.last_error().text, "");
}

TEST(HandlerTest, TheLastErrorIsReadWholeWhileItChanges) {
  Network handler;
  const CapturedStderr captured;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    for (int count = 0; count < 2000; ++count) handler.fail(std::string(100, count % 2 == 0 ? 'a' : 'b'));
    done = true;
  });
  while (!done) {
    const std::string text = handler.last_error().text;
    EXPECT_TRUE(text.empty() || text == std::string(100, text.front())) << text;
  }
  writer.join();
}

}  // namespace
}  // namespace logbus::handler_test
