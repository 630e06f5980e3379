// SPDX-License-Identifier: MIT
// RequestHandler with a server that answers as it is told, and a clock that is set.
#include <logbus/request_handler.h>

#include <atomic>
#include <deque>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <logbus/error.h>

#include "../record/captured_stderr.h"

namespace logbus::request_handler_test {
namespace {

using namespace std::chrono_literals;
using Outcome = RequestResult::Outcome;
using Clock = RequestHandler::Clock;

LogRecord record(std::string_view text) {
  LogRecord made;
  made.msg = text;
  return made;
}

/// Delivers its records' texts into `delivered`.
class TestHandler : public RequestHandler {
 public:
  explicit TestHandler(const RequestOptions& options, std::size_t most_together = 1)
      : RequestHandler(options, most_together) {}
  ~TestHandler() override { close_finally(); }

  void log(std::string_view text) { handle(record(text)); }
  /// When tries are made, in seconds from the start, while time passes in steps of 0.1 s.
  std::vector<double> times_of_tries(double seconds) {
    std::vector<double> times;
    for (int step = 0; step < seconds * 10; ++step) {
      const std::size_t before = tries.size();
      end_batch();
      if (tries.size() > before) times.push_back(step / 10.0);
      time += 100ms;
    }
    return times;
  }

  RequestResult result;
  Clock::duration takes{0};
  Clock::time_point time{};
  std::vector<std::string> delivered;
  std::vector<std::chrono::milliseconds> tries;  // their time limits
  int disconnects = 0;

 protected:
  std::string make_payload(const LogRecord& made) override { return made.get_message(); }
  RequestResult deliver(const std::deque<std::string>& waiting, std::size_t count,
                        std::chrono::milliseconds timeout) override {
    tries.push_back(timeout);
    time += takes;
    if (result.outcome == Outcome::kDelivered) {
      std::string together;
      for (std::size_t index = 0; index < count; ++index) together += waiting[index];
      delivered.push_back(together);
    }
    return result;
  }
  void disconnect() noexcept override { ++disconnects; }
  Clock::time_point now() const override { return time; }

 private:
  CapturedStderr quiet_;
};

RequestResult failed(Outcome outcome, std::chrono::seconds wait = 0s) {
  return {.outcome = outcome, .reason = "no", .wait = wait};
}

std::uint64_t dropped(const Handler& handler, DropReason reason) {
  return handler.counters().dropped_for[static_cast<std::size_t>(reason)].load();
}

TEST(RequestHandlerTest, DeliversEachRecordAtOnce) {
  TestHandler handler({});
  handler.log("a");
  handler.log("b");
  EXPECT_EQ(handler.delivered, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(handler.pending());
  EXPECT_EQ(handler.disconnects, 2);
  EXPECT_EQ(handler.counters().bytes.load(), 2U);
}

TEST(RequestHandlerTest, DeliversABatchAtItsEnd) {
  TestHandler handler({});
  handler.defer_flush(true);
  handler.log("a");
  handler.log("b");
  EXPECT_TRUE(handler.delivered.empty());
  handler.end_batch();
  EXPECT_EQ(handler.delivered.size(), 2U);
  EXPECT_EQ(handler.disconnects, 1);
  handler.log(std::string(70'000, 'x'));
  EXPECT_EQ(handler.delivered.size(), 3U) << "large ones don't wait for the end";
  handler.log("c");
  handler.defer_flush(false);
  EXPECT_EQ(handler.delivered.size(), 4U);
}

TEST(RequestHandlerTest, TriesAgainLaterAfterEachFailure) {
  TestHandler handler({});
  handler.result = failed(Outcome::kUnanswered);
  handler.log("a");
  EXPECT_TRUE(handler.pending());
  handler.log("b");
  EXPECT_EQ(handler.tries.size(), 1U) << "no record makes it try before its time";
  EXPECT_EQ(handler.times_of_tries(125), (std::vector<double>{1, 3, 7, 15, 31, 61, 91, 121}));
  EXPECT_EQ(handler.counters().retries.load(), 8U);
  EXPECT_EQ(handler.counters().waiting.load(), 2U);
  EXPECT_EQ(handler.counters().errors.load(), 9U);
  handler.result = {};
  EXPECT_EQ(handler.times_of_tries(60).size(), 1U);
  EXPECT_EQ(handler.delivered, (std::vector<std::string>{"a", "b"}));
  EXPECT_FALSE(handler.pending());
  EXPECT_EQ(handler.counters().records.load(), 2U);
  EXPECT_EQ(handler.counters().dropped.load(), 0U);
}

TEST(RequestHandlerTest, WaitsAsLongAsTheServerAsksButNotForEver) {
  TestHandler handler({});
  handler.result = failed(Outcome::kPutOff, 20s);
  handler.log("a");
  handler.result = failed(Outcome::kPutOff, 1'000'000s);
  EXPECT_EQ(handler.times_of_tries(700), (std::vector<double>{20, 320, 620}));
}

TEST(RequestHandlerTest, GivesUpWhatIsPutOffTooOftenAndGoesOn) {
  TestHandler handler({.retries = 3});
  handler.result = failed(Outcome::kPutOff);
  handler.log("poison");
  handler.log("good");
  EXPECT_EQ(handler.times_of_tries(6).size(), 2U);
  EXPECT_EQ(handler.counters().dropped.load(), 0U);
  EXPECT_EQ(handler.times_of_tries(3).size(),
            2U);  // the fourth and one of the next record, and one more of that
  EXPECT_EQ(dropped(handler, DropReason::kRefused), 1U);
  handler.result = {};
  handler.times_of_tries(40);
  EXPECT_EQ(handler.delivered, std::vector<std::string>{"good"});
}

TEST(RequestHandlerTest, NeverGivesUpWithoutAnAnswer) {
  TestHandler handler({.retries = 0});
  handler.result = failed(Outcome::kUnanswered);
  handler.log("a");
  handler.times_of_tries(600);
  EXPECT_EQ(handler.counters().waiting.load(), 1U);
}

TEST(RequestHandlerTest, CountsWhatIsRefused) {
  TestHandler handler({});
  handler.result = failed(Outcome::kRefused);
  handler.log("a");
  handler.result = failed(Outcome::kTooLarge);
  handler.log("b");
  EXPECT_FALSE(handler.pending());
  EXPECT_EQ(dropped(handler, DropReason::kRefused), 1U);
  EXPECT_EQ(dropped(handler, DropReason::kTooLarge), 1U);
  EXPECT_EQ(handler.counters().records.load(), 0U);
  EXPECT_EQ(handler.counters().bytes.load(), 0U);
  EXPECT_EQ(handler.last_error().text, "no");
}

TEST(RequestHandlerTest, KeepsNoMoreThanItsBacklog) {
  TestHandler handler({.backlog = 10});
  handler.result = failed(Outcome::kUnanswered);
  handler.log("12345");
  EXPECT_TRUE(handler.has_room());
  handler.log("6789");
  EXPECT_FALSE(handler.has_room()) << "what is in a queue before it may stay there";
  for (const char* text : {"abcdef", "lost", "too"}) handler.log(text);
  EXPECT_EQ(handler.counters().waiting.load(), 3U);
  EXPECT_EQ(dropped(handler, DropReason::kBacklogFull), 2U);
  EXPECT_EQ(handler.counters().errors.load(), 2U) << "one try, and one word about what is lost";
  handler.result = {};
  handler.time += 2s;
  handler.log("room");  // makes room for itself
  EXPECT_EQ(handler.delivered, (std::vector<std::string>{"12345", "6789", "abcdef", "room"}));
  EXPECT_TRUE(handler.has_room());
}

TEST(RequestHandlerTest, TakesNothingWithoutABacklog) {
  TestHandler handler({.backlog = 0});
  handler.log("a");
  EXPECT_EQ(handler.counters().dropped.load(), 1U) << "there is no room for any";
}

TEST(RequestHandlerTest, BeginsNoTryLate) {
  TestHandler handler({.timeout = 1000ms});
  handler.defer_flush(true);
  for (int count = 0; count < 10; ++count) handler.log("x");
  handler.takes = 200ms;
  handler.end_batch();
  EXPECT_EQ(handler.tries, (std::vector<std::chrono::milliseconds>{1000ms, 800ms, 600ms}));
  EXPECT_TRUE(handler.pending());
  handler.end_batch();
  EXPECT_EQ(handler.tries.size(), 6U);
}

TEST(RequestHandlerTest, TakesNoLongerWhenItMustMakeRoomFirst) {
  TestHandler handler({.timeout = 1000ms, .backlog = 1});
  handler.defer_flush(true);
  handler.log(std::string(70'000, 'x'));  // is sent at once
  handler.log("y");
  handler.takes = 600ms;
  handler.log(std::string(70'000, 'z'));
  EXPECT_EQ(handler.delivered.size(), 2U) << "the second try would have begun late";
  EXPECT_TRUE(handler.pending());
}

TEST(RequestHandlerTest, CountsEachRecordOnceWithThreads) {
  struct Counting : RequestHandler {
    Counting() : RequestHandler({.backlog = 2000, .retry_start = 0.001, .retry_max = 0.001}, 1) {}
    ~Counting() override { close_finally(); }
    std::string make_payload(const LogRecord& made) override { return made.get_message(); }
    RequestResult deliver(const std::deque<std::string>& waiting, std::size_t count,
                          std::chrono::milliseconds) override {
      const int what = ++tries % 5;
      if (what == 0) return failed(Outcome::kUnanswered);
      if (what == 1) return failed(Outcome::kRefused);
      for (std::size_t index = 0; index < count; ++index) got += waiting[index].size();
      return {};
    }
    int tries = 0;
    std::size_t got = 0;
  } handler;
  const CapturedStderr quiet;
  std::vector<std::thread> threads;
  std::atomic<bool> done{false};
  threads.emplace_back([&] {
    for (int count = 0; !done; ++count) {
      handler.end_batch();
      if (handler.pending() && count % 50 == 0) handler.close();
      handler.defer_flush(count % 2 == 0);
    }
  });
  for (int thread = 0; thread < 3; ++thread) {
    threads.emplace_back([&] {
      for (int count = 0; count < 500; ++count) handler.handle(record("x"));
    });
  }
  for (std::size_t index = 1; index < threads.size(); ++index) threads[index].join();
  done = true;
  threads[0].join();
  handler.close();
  const HandlerCounters& counters = handler.counters();
  EXPECT_EQ(counters.records + counters.dropped, 1500U);
  EXPECT_EQ(counters.records, handler.got);
  EXPECT_EQ(counters.waiting, 0U);
}

TEST(RequestHandlerTest, SendsSeveralTogether) {
  TestHandler handler({}, 3);
  for (const char* text : {"a", "b", "c", "d"}) handler.log(text);
  EXPECT_EQ(handler.delivered, std::vector<std::string>{"abc"});
  handler.flush();
  EXPECT_EQ(handler.delivered, (std::vector<std::string>{"abc", "d"}));
  handler.result = failed(Outcome::kRefused);
  for (const char* text : {"a", "b", "c", "d"}) handler.log(text);
  EXPECT_EQ(dropped(handler, DropReason::kRefused), 3U);
}

TEST(RequestHandlerTest, TriesOnceMoreAtTheEnd) {
  TestHandler handler({});
  handler.result = failed(Outcome::kUnanswered);
  handler.log("a");
  handler.log("b");
  handler.close();
  EXPECT_EQ(handler.tries.size(), 2U);
  EXPECT_EQ(dropped(handler, DropReason::kShutdown), 2U);
  EXPECT_FALSE(handler.pending());
  handler.close();
  EXPECT_EQ(handler.tries.size(), 2U);
  handler.result = {};
  handler.time += 1h;
  handler.log("anew");
  EXPECT_EQ(handler.delivered, std::vector<std::string>{"anew"});
}

TEST(RequestHandlerTest, TakesNoLongerThanItsEndMay) {
  TestHandler handler({.timeout = 1000ms});
  handler.result = failed(Outcome::kUnanswered);
  handler.log("a");
  handler.end_by(handler.time + 2300ms);
  handler.time += 2s;
  handler.end_batch();
  handler.time += 2s;
  handler.close();
  EXPECT_EQ(handler.tries, (std::vector<std::chrono::milliseconds>{1000ms, 300ms, 250ms}));
}

TEST(RequestHandlerTest, StrictTriesOnceAsPython) {
  TestHandler handler({.compatibility = {.strict = true}});
  handler.defer_flush(true);
  handler.result = failed(Outcome::kUnanswered);
  handler.log("a");
  handler.log("b");
  EXPECT_EQ(handler.tries.size(), 2U);
  EXPECT_EQ(dropped(handler, DropReason::kError), 2U);
  EXPECT_FALSE(handler.pending());
}

TEST(RequestHandlerTest, TakesAnExceptionForNoAnswer) {
  class Throwing : public TestHandler {
   public:
    using TestHandler::TestHandler;
    RequestResult deliver(const std::deque<std::string>&, std::size_t, std::chrono::milliseconds) override {
      throw Error("broken");
    }
  } handler(RequestOptions{});
  handler.log("a");
  EXPECT_TRUE(handler.pending());
  EXPECT_EQ(handler.last_error().text, "broken");
}

}  // namespace
}  // namespace logbus::request_handler_test
