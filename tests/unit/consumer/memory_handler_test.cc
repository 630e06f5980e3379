// SPDX-License-Identifier: MIT
// BufferingHandler and MemoryHandler: when they flush, to whom, and what a batch's end must not do.
#include <logbus/memory_handler.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <logbus/file_handler.h>
#include <logbus/log_queue.h>
#include <logbus/queue_listener.h>

namespace logbus::memory_handler_test {
namespace {

using namespace std::chrono_literals;

LogRecord message(std::string text, int level = 20) {
  LogRecord record;
  record.msg = std::move(text);
  record.levelno = level;
  return record;
}

using Lines = std::vector<std::string>;

class Target : public Handler {
 public:
  Lines lines;
  Lines events;  // all that happens
  bool throws = false;
  bool close_throws = false;
  bool keeps = false;
  bool is_full = false;

  bool pending() const noexcept override { return keeps; }
  bool has_room() const noexcept override { return !is_full; }
  void flush() override { events.push_back("flush"); }
  void close() override { events.push_back("close"); }
  void defer_flush(bool deferred) override { events.push_back(deferred ? "defer" : "no longer"); }
  void end_batch() override {
    events.push_back("end");
    if (close_throws) throw std::runtime_error("disk full");
  }
  void handle_error(const LogRecord*, const std::exception&) noexcept override {
    mutable_counters().errors.fetch_add(1, std::memory_order_relaxed);
  }

 protected:
  void emit(const LogRecord& record) override {
    if (throws) throw std::runtime_error("on purpose");
    lines.push_back(record.get_message());
    events.push_back(record.get_message());
  }
};

Lines numbers(int first, int last) {
  Lines lines;
  for (int i = first; i <= last; ++i) lines.push_back(std::to_string(i));
  return lines;
}

class CountingFlushes : public BufferingHandler {
 public:
  using BufferingHandler::BufferingHandler;
  std::vector<std::size_t> flushes;
  void flush() override {
    flushes.push_back(buffer().size());
    BufferingHandler::flush();
  }
};

TEST(BufferingHandlerTest, FlushesWhenThereAreAsManyAsItsCapacity) {
  CountingFlushes handler(3);
  for (int i = 0; i < 7; ++i) handler.handle(message("x"));
  EXPECT_EQ(handler.flushes, (std::vector<std::size_t>{3, 3}));
  EXPECT_EQ(handler.size(), 1U);
  EXPECT_EQ(handler.counters().records.load(), 7U);
  handler.close();
  EXPECT_EQ(handler.flushes, (std::vector<std::size_t>{3, 3, 1}));
  EXPECT_EQ(handler.size(), 0U);
}

TEST(BufferingHandlerTest, FlushesEachRecordWithoutACapacity) {
  CountingFlushes handler(0);
  handler.handle(message("x"));
  handler.handle(message("x"));
  EXPECT_EQ(handler.flushes, (std::vector<std::size_t>{1, 1}));
}

TEST(BufferingHandlerTest, ASubclassMakesTheRule) {
  class OnStop : public CountingFlushes {
   public:
    using CountingFlushes::CountingFlushes;
    bool should_flush(const LogRecord& record) const override { return record.get_message() == "stop"; }
  };
  OnStop handler(1);
  for (const char* text : {"a", "b", "stop", "c"}) handler.handle(message(text));
  EXPECT_EQ(handler.flushes, (std::vector<std::size_t>{3}));
}

TEST(MemoryHandlerTest, LeavesItsTargetAloneWhenItHasNothingToGive) {
  const auto target = std::make_shared<Target>();
  MemoryHandler handler(2, Level::kError, target);
  handler.flush();
  handler.close();
  EXPECT_EQ(target->events, Lines{});
}

TEST(MemoryHandlerTest, WhatItsTargetKeepsForALaterTryIsItsOwn) {
  const auto target = std::make_shared<Target>();
  MemoryHandler handler(10, Level::kWarning, target);
  EXPECT_FALSE(handler.pending());
  EXPECT_TRUE(handler.has_room());
  target->keeps = target->is_full = true;
  EXPECT_TRUE(handler.pending());
  EXPECT_FALSE(handler.has_room());
  handler.set_target(nullptr);
  EXPECT_FALSE(handler.pending());
  EXPECT_TRUE(handler.has_room());
}

TEST(MemoryHandlerTest, CountsWhatWaitsInTheBuffer) {
  const auto target = std::make_shared<Target>();
  MemoryHandler handler(3, Level::kWarning, target);
  for (const std::uint64_t waiting : {1U, 2U, 0U, 1U}) {
    handler.handle(message("x"));
    EXPECT_EQ(handler.counters().waiting, waiting);
  }
  handler.flush();
  EXPECT_EQ(handler.counters().waiting, 0U);
}

TEST(MemoryHandlerTest, FlushesAtALevelAndAtItsCapacity) {
  const auto target = std::make_shared<Target>();
  MemoryHandler handler(10, Level::kWarning, target);
  handler.handle(message("1", 10));
  handler.handle(message("2", 20));
  EXPECT_TRUE(target->lines.empty());
  handler.handle(message("3", 30));
  EXPECT_EQ(target->lines, numbers(1, 3));
  for (const int first : {4, 14}) {
    for (int i = 0; i < 9; ++i) handler.handle(message(std::to_string(first + i), 10));
    EXPECT_EQ(target->lines, numbers(1, first - 1));
    handler.handle(message(std::to_string(first + 9), 10));
    EXPECT_EQ(target->lines, numbers(1, first + 9));
  }
  handler.handle(message("24", 10));
  EXPECT_EQ(target->lines, numbers(1, 23));
  EXPECT_EQ(handler.size(), 1U);
}

TEST(MemoryHandlerTest, FlushesAtErrorUnlessToldOtherwise) {
  const auto target = std::make_shared<Target>();
  MemoryHandler handler(100, Level::kError, target);
  EXPECT_EQ(MemoryHandler(1).flush_level(), Level::kError);
  handler.handle(message("1", 39));
  EXPECT_TRUE(target->lines.empty());
  handler.handle(message("2", 40));
  EXPECT_EQ(target->lines, numbers(1, 2));
}

TEST(MemoryHandlerTest, KeepsCopiesThatOwnTheirMemory) {
  const auto target = std::make_shared<Target>();
  MemoryHandler handler(2, Level::kError, target);
  {
    LogRecord record = message(std::string(100, 'a') + "%s");
    record.args = Value(List{Value(std::string(100, 'b'))});
    handler.handle(record);
    record.msg = "changed";
  }
  handler.handle(message("2"));
  EXPECT_EQ(target->lines.at(0), std::string(100, 'a') + std::string(100, 'b'));
}

TEST(MemoryHandlerTest, TheTargetsLevelIsIgnoredItsFiltersAreNot) {
  const auto target = std::make_shared<Target>();
  target->set_level(Level::kCritical);
  target->add_filter(std::make_shared<const Filter>("shop"));
  MemoryHandler handler(3, Level::kError, target);
  for (const char* name : {"shop", "other", "shop.db"}) {
    LogRecord record = message(name);
    record.name = name;
    handler.handle(record);
  }
  EXPECT_EQ(target->lines, (Lines{"shop", "shop.db"}));
}

TEST(MemoryHandlerTest, WithoutATargetItKeepsAllUntilThereIsOne) {
  MemoryHandler handler(2);
  for (int i = 1; i <= 5; ++i) handler.handle(message(std::to_string(i), 40));
  handler.flush();
  EXPECT_EQ(handler.size(), 5U);
  const auto target = std::make_shared<Target>();
  handler.set_target(target);
  EXPECT_TRUE(target->lines.empty());
  handler.handle(message("6"));
  EXPECT_EQ(target->lines, numbers(1, 6));
  EXPECT_EQ(handler.size(), 0U);
}

TEST(MemoryHandlerTest, CloseFlushesUnlessToldNotToAndLetsTheTargetGo) {
  for (const bool flush_on_close : {true, false}) {
    const auto target = std::make_shared<Target>();
    MemoryHandler handler(10, Level::kError, target, flush_on_close);
    EXPECT_EQ(handler.flush_on_close(), flush_on_close);
    handler.handle(message("1"));
    handler.close();
    EXPECT_EQ(target->lines, flush_on_close ? Lines{"1"} : Lines{});
    EXPECT_EQ(handler.target(), nullptr);
    EXPECT_EQ(target.use_count(), 1);
    handler.close();
    handler.handle(message("2", 50));
    EXPECT_EQ(target->lines, flush_on_close ? Lines{"1"} : Lines{});
    EXPECT_EQ(std::count(target->events.begin(), target->events.end(), "close"),
              0);  // the target's own affair
  }
}

TEST(MemoryHandlerTest, DestructionCloses) {
  const auto target = std::make_shared<Target>();
  { MemoryHandler(10, Level::kError, target).handle(message("1")); }
  { MemoryHandler(10, Level::kError, target, false).handle(message("2")); }
  EXPECT_EQ(target->lines, Lines{"1"});
}

TEST(MemoryHandlerTest, AFailingTargetLosesItsRecordsAndNothingElseHappens) {
  const auto target = std::make_shared<Target>();
  MemoryHandler handler(2, Level::kError, target);
  target->throws = true;
  for (int i = 1; i <= 4; ++i) EXPECT_TRUE(handler.handle(message(std::to_string(i))));
  EXPECT_EQ(target->counters().errors.load(), 4U);
  EXPECT_EQ(target->counters().dropped.load(), 4U);
  EXPECT_EQ(handler.counters().records.load(), 4U);
  EXPECT_EQ(handler.counters().errors.load(), 0U);
  target->throws = false;
  target->close_throws = true;
  handler.handle(message("5"));
  EXPECT_THROW(handler.close(), std::runtime_error);
  EXPECT_EQ(handler.target(), nullptr);  // all the same
}

TEST(MemoryHandlerTest, ABatchsEndKeepsTheRecordsAndReachesTheTarget) {
  const auto target = std::make_shared<Target>();
  MemoryHandler handler(2, Level::kError, target);
  handler.defer_flush(true);
  handler.handle(message("1"));
  handler.end_batch();
  EXPECT_EQ(handler.size(), 1U);
  handler.handle(message("2"));
  handler.handle(message("3"));
  handler.end_batch();
  handler.flush();  // asked for: does not wait for a batch's end
  handler.defer_flush(false);
  EXPECT_EQ(target->events, (Lines{"defer", "end", "1", "2", "end", "3", "end", "no longer"}));
}

TEST(MemoryHandlerTest, ANewTargetIsDeferredAsTheOldOneWas) {
  const auto one = std::make_shared<Target>(), two = std::make_shared<Target>();
  MemoryHandler handler(2, Level::kError, one);
  handler.defer_flush(true);
  handler.set_target(two);
  handler.close();
  EXPECT_EQ(one->events, (Lines{"defer", "no longer"}));
  EXPECT_EQ(two->events, (Lines{"defer", "no longer"}));
}

TEST(MemoryHandlerTest, ATargetThatLogsHereInTurnIsBuffered) {
  class Echo : public Target {
   public:
    MemoryHandler* handler = nullptr;

   protected:
    void emit(const LogRecord& record) override {
      Target::emit(record);
      if (record.get_message() == "1") handler->handle(message("echo"));
    }
  };
  const auto echo = std::make_shared<Echo>();
  MemoryHandler handler(2, Level::kError, echo);
  echo->handler = &handler;
  handler.handle(message("1"));
  handler.handle(message("2"));
  EXPECT_EQ(echo->lines, numbers(1, 2));
  EXPECT_EQ(handler.size(), 1U);
  handler.flush();
  EXPECT_EQ(echo->lines, (Lines{"1", "2", "echo"}));
}

TEST(MemoryHandlerTest, MayLoseItsTargetOnAnotherThreadWhileItFlushes) {
  const auto target = std::make_shared<Target>();
  MemoryHandler handler(5, Level::kError, target);
  std::atomic<bool> over{false};
  std::thread other([&] {
    while (!over.load()) {
      handler.set_target(nullptr);
      handler.set_target(target);
    }
  });
  for (int i = 1; i <= 2000; ++i) handler.handle(message(std::to_string(i)));
  over.store(true);
  other.join();
  handler.flush();
  EXPECT_EQ(target->lines, numbers(1, 2000));
}

class MemoryOfAFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/logbus-memory-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::shared_ptr<FileHandler> file(const std::string& mode = "a") const {
    FileOptions options;
    options.filename = directory_ + "/app.log";
    options.mode = mode;
    return std::make_shared<FileHandler>(options);
  }
  std::string text() const {
    std::ostringstream all;
    all << std::ifstream(directory_ + "/app.log").rdbuf();
    return all.str();
  }

 private:
  std::string directory_;
};

TEST_F(MemoryOfAFileTest, BehindAListenerIsWrittenWhenItIsFlushedAndAtNoBatchsEnd) {
  const auto memory = std::make_shared<MemoryHandler>(100, Level::kError, file());
  LogQueue queue(10);
  QueueListener listener(queue, {memory});
  listener.start();
  ASSERT_TRUE(queue.put_nowait(message("1")));
  ASSERT_TRUE(queue.join(30s));
  EXPECT_EQ(text(), "");
  ASSERT_TRUE(queue.put_nowait(message("2", 40)));
  ASSERT_TRUE(queue.join(30s));
  EXPECT_EQ(text(), "1\n2\n");
  ASSERT_TRUE(queue.put_nowait(message("3")));
  listener.stop();
  EXPECT_EQ(text(), "1\n2\n");
  memory->close();
  EXPECT_EQ(text(), "1\n2\n3\n");
}

// As in Python: a file that appends is opened again, one that starts anew isn't.
TEST_F(MemoryOfAFileTest, ATargetThatWasClosedBeforeIsOpenedAgainIfItAppends) {
  for (const std::string mode : {"a", "w"}) {
    const auto target = file(mode);
    MemoryHandler memory(100, Level::kError, target);
    memory.handle(message(mode));
    target->close();
    memory.close();
    EXPECT_EQ(text(), mode == "a" ? "a\n" : "");
  }
}

}  // namespace
}  // namespace logbus::memory_handler_test
