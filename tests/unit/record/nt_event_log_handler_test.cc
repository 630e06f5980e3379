// SPDX-License-Identifier: MIT
// Which event a record becomes, and what a handler without an event log does.
#include <logbus/nt_event_log_handler.h>

#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <logbus/error.h>

namespace logbus::nt_event_log_handler_test {
namespace {

using Event = std::tuple<EventType, int, int, std::string>;
using Events = std::vector<Event>;

class FakeLog : public EventLog {
 public:
  explicit FakeLog(Events& events) : events_(events) {}
  void report(EventType type, std::uint16_t category, std::uint32_t message_id,
              std::string_view text) override {
    if (text == "full") throw Error("the log is full");
    events_.emplace_back(type, category, static_cast<int>(message_id), std::string(text));
  }

 private:
  Events& events_;
};

LogRecord record(int level, std::string text) {
  LogRecord made;
  made.levelno = level;
  made.levelname = "L" + std::to_string(level);
  made.msg = std::move(text);
  return made;
}

TEST(NTEventLogHandlerTest, GivesTheLevelsPythonsTypes) {
  Events events;
  NTEventLogHandler handler(std::make_unique<FakeLog>(events));
  for (const int level : {10, 20, 30, 40, 50, 25, 0}) handler.handle(record(level, "x"));
  const auto event = [](EventType type) { return Event(type, 0, 1, "x"); };
  const Event information = event(EventType::kInformation), error = event(EventType::kError);
  EXPECT_EQ(events,
            (Events{information, information, event(EventType::kWarning), error, error, error, error}));
  EXPECT_EQ(handler.counters().records, 7U);
}

TEST(NTEventLogHandlerTest, FollowsAnotherTypemap) {
  Events events;
  NTEventLogHandler handler(std::make_unique<FakeLog>(events));
  handler.set_event_types({.by_level = {{20, EventType::kSuccess}}, .otherwise = EventType::kWarning});
  handler.handle(record(20, "x"));
  handler.handle(record(40, "y"));
  EXPECT_EQ(events, (Events{{EventType::kSuccess, 0, 1, "x"}, {EventType::kWarning, 0, 1, "y"}}));
}

TEST(NTEventLogHandlerTest, AsksADerivedClassAndTheFormatter) {
  class Own : public NTEventLogHandler {
   public:
    using NTEventLogHandler::NTEventLogHandler;

   protected:
    std::uint32_t get_message_id(const LogRecord& r) const override {
      return 100U + static_cast<unsigned>(r.levelno);
    }
    std::uint16_t get_event_category(const LogRecord&) const override { return 3; }
    EventType get_event_type(const LogRecord&) const override { return EventType::kSuccess; }
  };
  Events events;
  Own handler(std::make_unique<FakeLog>(events));
  FormatterOptions options;
  options.format = "%(levelname)s: %(message)s";
  handler.set_formatter(std::make_shared<const Formatter>(options));
  handler.handle(record(50, "x"));
  EXPECT_EQ(events, (Events{{EventType::kSuccess, 3, 150, "L50: x"}}));
}

TEST(NTEventLogHandlerTest, CountsWhatTheLogRefuses) {
  Events events;
  NTEventLogHandler handler(std::make_unique<FakeLog>(events));
  testing::internal::CaptureStderr();
  handler.handle(record(20, "full"));
  EXPECT_NE(testing::internal::GetCapturedStderr().find("the log is full"), std::string::npos);
  EXPECT_TRUE(events.empty());
  EXPECT_EQ(handler.counters().records, 0U);
  EXPECT_EQ(handler.counters().dropped, 1U);
}

TEST(NTEventLogHandlerTest, SaysThatThereIsNoEventLogAndDoesNothing) {
  testing::internal::CaptureStdout();
  NTEventLogHandler handler("app");
  handler.handle(record(50, "x"));
  handler.close();
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "The Python Win32 extensions for NT (service, event logging) appear not to be available.\n");
  EXPECT_EQ(handler.counters().errors, 0U);
}

}  // namespace
}  // namespace logbus::nt_event_log_handler_test
