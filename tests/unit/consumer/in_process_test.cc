// SPDX-License-Identifier: MIT
// QueueHandler, LogQueue and QueueListener together, as a program without the bus has them.
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <logbus/log_queue.h>
#include <logbus/queue_handler.h>
#include <logbus/queue_listener.h>
#include <logbus/stream_handler.h>

namespace logbus::in_process_test {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

LogRecord message(std::string text, int level = 20) {
  LogRecord record;
  record.name = "que";
  record.msg = std::move(text);
  record.levelno = level;
  record.levelname = get_level_name(Level{level});
  return record;
}

class Diary : public Handler {
 public:
  Lines lines;  // read after stop()

 protected:
  void emit(const LogRecord& record) override { lines.push_back(record.get_message()); }
};

TEST(InProcessTest, RespectsHandlerLevelsIfTold) {
  for (const bool respect : {false, true}) {
    const auto queue = std::make_shared<LogQueue>(10);
    QueueHandler logger(queue);
    const auto diary = std::make_shared<Diary>();
    diary->set_level(Level::kCritical);
    QueueListener listener(*queue, {diary}, respect);
    listener.start();
    logger.handle(message("1", 30));
    logger.handle(message("2", 40));
    logger.handle(message("3", 50));
    listener.stop();
    listener.stop();
    EXPECT_EQ(diary->lines, respect ? Lines{"3"} : (Lines{"1", "2", "3"}));
  }
}

TEST(InProcessTest, TracebackAndStackAreWrittenOnceWithEitherPrepare) {
  for (const auto prepare : {QueueHandler::Prepare::kLogbus, QueueHandler::Prepare::kPython}) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    {
      const auto queue = std::make_shared<LogQueue>(10);
      QueueHandler logger(queue, prepare);
      const auto stream = std::make_shared<StreamHandler>(ends[1], StreamHandler::Ownership::kOwned);
      stream->set_formatter(
          std::make_shared<const Formatter>(FormatterOptions{.format = "%(message)s [%(name)s]"}));
      QueueListener listener(*queue, {stream});
      listener.start();
      LogRecord record = message("failed");
      record.exc_text = "Traceback";
      record.stack_info = "Stack";
      logger.handle(record);
      listener.stop();
    }
    char text[256];
    const ssize_t size = ::read(ends[0], text, sizeof text);
    ::close(ends[0]);
    ASSERT_GT(size, 0);
    EXPECT_EQ(std::string(text, static_cast<std::size_t>(size)), prepare == QueueHandler::Prepare::kPython
                                                                     ? "failed\nTraceback\nStack [que]\n"
                                                                     : "failed [que]\nTraceback\nStack\n");
  }
}

TEST(InProcessTest, StopHandlesWhatWasQueuedBeforeAndLeavesTheRest) {
  const auto queue = std::make_shared<LogQueue>(10'000);
  QueueHandler logger(queue);
  const auto diary = std::make_shared<Diary>();
  QueueListener listener(*queue, {diary});
  for (int round = 0; round < 20; ++round) {
    diary->lines.clear();
    for (const char* text : {"one", "two", "three", "four", "five"}) logger.handle(message(text));
    if (round == 0) {
      for (int i = 0; i < 5000; ++i) logger.handle(message("more than a batch"));
    }
    listener.start();
    listener.stop();
    EXPECT_EQ(diary->lines.size(), round == 0 ? 5005U : 5U);
    EXPECT_EQ(queue->size(), 0U);
    EXPECT_TRUE(queue->join(0ms));  // all are answered for
  }
  logger.handle(message("after"));
  EXPECT_EQ(queue->size(), 1U);
  EXPECT_EQ(diary->lines.size(), 5U);
}

TEST(InProcessTest, StopComesBackWhileOthersGoOnLogging) {
  const auto queue = std::make_shared<LogQueue>(64);
  const auto diary = std::make_shared<Diary>();
  std::atomic<bool> over{false};
  std::atomic<std::uint64_t> logged{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      while (!over.load()) {
        if (!queue->put(message("x"), 1ms)) continue;
        logged.fetch_add(1);
      }
    });
  }
  for (int round = 0; round < 5; ++round) {
    QueueListener listener(*queue, {diary});
    listener.start();
    const std::uint64_t before = logged.load();
    while (logged.load() < before + 200) std::this_thread::yield();
    listener.stop();
  }
  over.store(true);
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(diary->lines.size() + queue->size(), logged.load());
}

// A listener whose handler puts the record back: what comes after the sentinel is left.
TEST(InProcessTest, AHandlerThatQueuesAgainDoesNotKeepTheListener) {
  const auto queue = std::make_shared<LogQueue>(10);
  const auto again = std::make_shared<QueueHandler>(queue, QueueHandler::Prepare::kPython);
  again->set_formatter(
      std::make_shared<const Formatter>(FormatterOptions{.format = "%(name)s: %(message)s"}));
  QueueListener listener(*queue, {again});
  again->handle(message("x"));
  listener.start();
  listener.stop();
  LogRecord record;
  ASSERT_TRUE(queue->get(record, 0ms));
  EXPECT_EQ(record.get_message().substr(0, 5), "que: ");
}

TEST(InProcessTest, AThrowingHandlerLosesItsRecordAndNothingElse) {
  class Bad : public Diary {
   public:
    void handle_error(const LogRecord*, const std::exception&) noexcept override {
      mutable_counters().errors.fetch_add(1, std::memory_order_relaxed);
    }

   protected:
    void emit(const LogRecord&) override { throw 1; }
  };
  const auto queue = std::make_shared<LogQueue>(10);
  QueueHandler logger(queue);
  const auto bad = std::make_shared<Bad>();
  const auto good = std::make_shared<Diary>();
  QueueListener listener(*queue, {bad, good});
  listener.start();
  for (const char* text : {"1", "2"}) logger.handle(message(text));
  ASSERT_TRUE(queue->join(30s));
  EXPECT_TRUE(listener.running());
  listener.stop();
  EXPECT_EQ(good->lines, (Lines{"1", "2"}));
  EXPECT_EQ(bad->counters().errors.load(), 2U);
}

TEST(InProcessTest, ManyThreadsLoseNothingThatWasNotRefused) {
  constexpr int kThreads = 4, kRecords = 3000;
  const auto queue = std::make_shared<LogQueue>(32);
  QueueHandler logger(queue, QueueHandler::Prepare::kPython, 30s);
  const auto diary = std::make_shared<Diary>();
  QueueListener listener(*queue, {diary});
  listener.start();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&logger, thread] {
      for (int i = 0; i < kRecords; ++i) logger.handle(message(std::to_string(thread * kRecords + i)));
    });
  }
  for (std::thread& thread : threads) thread.join();
  listener.stop();
  ASSERT_EQ(diary->lines.size(), static_cast<std::size_t>(kThreads * kRecords));
  std::vector<int> last(kThreads, -1);
  for (const std::string& line : diary->lines) {
    const int number = std::stoi(line);
    int& before = last[static_cast<std::size_t>(number / kRecords)];
    EXPECT_GT(number, before);
    before = number;
  }
}

}  // namespace
}  // namespace logbus::in_process_test
