// SPDX-License-Identifier: MIT
// QueueHandler over a LogQueue: what is put, and what happens when it can't be.
#include <logbus/queue_handler.h>

#include <future>
#include <string>

#include <gtest/gtest.h>

#include <logbus/error.h>
#include <logbus/log_queue.h>

namespace logbus {
namespace {

using namespace std::chrono_literals;

LogRecord sample() {
  LogRecord record;
  record.name = "que";
  record.levelno = 30;
  record.levelname = "WARNING";
  record.msg = "paid %s";
  record.args = Value(List{Value(42)});
  return record;
}

LogRecord taken(Queue& queue) {
  LogRecord record;
  EXPECT_TRUE(queue.get(record, 0ms));
  return record;
}

/// Keeps its errors off stderr.
class Quiet : public QueueHandler {
 public:
  using QueueHandler::QueueHandler;
  std::string error;
  void handle_error(const LogRecord* record, const std::exception& what) noexcept override {
    EXPECT_NE(record, nullptr);
    mutable_counters().errors.fetch_add(1, std::memory_order_relaxed);
    error = what.what();
  }
};

TEST(QueueHandlerTest, LeavesMessageAndArgumentsToTheOtherSide) {
  const auto queue = std::make_shared<LogQueue>(1);
  QueueHandler handler(queue);
  LogRecord record = sample();
  record.exc_text = "Traceback";
  record.stack_info = "Stack";
  EXPECT_TRUE(handler.handle(record));
  const LogRecord put = taken(*queue);
  EXPECT_EQ(put.name, "que");
  EXPECT_EQ(put.msg, Value("paid %s"));
  EXPECT_EQ(put.args, Value(List{Value(42)}));
  EXPECT_EQ(put.exc_text, "Traceback");
  EXPECT_EQ(put.stack_info, "Stack");
  EXPECT_EQ(handler.counters().records.load(), 1U);
}

TEST(QueueHandlerTest, PreparesAsPythonDoesIfTold) {
  const auto queue = std::make_shared<LogQueue>(1);
  QueueHandler handler(queue, QueueHandler::Prepare::kPython);
  LogRecord record = sample();
  record.exc_text = "Traceback";
  record.stack_info = "Stack";
  record.overrides = {{"exc_info", Value("x")}, {"module", Value(None())}};
  handler.handle(record);
  const LogRecord put = taken(*queue);
  EXPECT_EQ(put.msg, Value("paid 42\nTraceback\nStack"));
  EXPECT_EQ(put.get_message(), "paid 42\nTraceback\nStack");
  EXPECT_TRUE(put.args.is_none());
  EXPECT_EQ(put.exc_text, "");
  EXPECT_EQ(put.stack_info, "");
  EXPECT_EQ(put.overrides, (Fields{{"module", Value(None())}}));
  EXPECT_EQ(record.msg, Value("paid %s"));  // the caller's is as it was
  EXPECT_EQ(record.exc_text, "Traceback");
}

TEST(QueueHandlerTest, PreparesWithItsOwnFormatter) {
  const auto queue = std::make_shared<LogQueue>(1);
  QueueHandler handler(queue, QueueHandler::Prepare::kPython);
  handler.set_formatter(std::make_shared<const Formatter>(
      FormatterOptions{.format = "%(name)s -> %(levelname)s: %(message)s"}));
  handler.handle(sample());
  EXPECT_EQ(taken(*queue).get_message(), "que -> WARNING: paid 42");
}

TEST(QueueHandlerTest, APreparedMessageIsNotMergedAgain) {
  const auto queue = std::make_shared<LogQueue>(1);
  QueueHandler handler(queue, QueueHandler::Prepare::kPython);
  LogRecord record;
  record.style = MessageStyle::kBrace;
  record.msg = "{{}} {}";
  record.args = Value(List{Value("100% {0}")});
  handler.handle(record);
  EXPECT_EQ(taken(*queue).get_message(), "{} 100% {0}");
}

TEST(QueueHandlerTest, ARecordThatCannotBePreparedIsAnErrorOfTheHandler) {
  const auto queue = std::make_shared<LogQueue>(1);
  Quiet handler(queue, QueueHandler::Prepare::kPython);
  LogRecord record = sample();
  record.args = Value(List{Value(1), Value(2)});
  EXPECT_TRUE(handler.handle(record));
  EXPECT_EQ(queue->size(), 0U);
  EXPECT_EQ(handler.counters().errors.load(), 1U);
  EXPECT_EQ(handler.counters().dropped.load(), 1U);
}

TEST(QueueHandlerTest, AFullQueueIsAnErrorOfTheHandlerAndTheRecordIsLost) {
  const auto queue = std::make_shared<LogQueue>(1);
  Quiet handler(queue);
  handler.handle(sample());
  EXPECT_TRUE(handler.handle(sample()));
  EXPECT_EQ(handler.error, "the queue is full");
  EXPECT_EQ(handler.counters().records.load(), 1U);
  EXPECT_EQ(handler.counters().dropped.load(), 1U);
  EXPECT_EQ(handler.counters().dropped_for[static_cast<std::size_t>(DropReason::kQueueFull)].load(), 1U);
  EXPECT_EQ(queue->size(), 1U);
}

TEST(QueueHandlerTest, CountsEachRefusalAndTellsOnlySome) {
  class Telling : public Quiet {
   public:
    using Quiet::Quiet;
    int told = 0;
    void handle_error(const LogRecord* record, const std::exception& what) noexcept override {
      ++told;
      Quiet::handle_error(record, what);
    }
  };
  const auto queue = std::make_shared<LogQueue>(1);
  Telling handler(queue);
  for (int i = 0; i < 1001; ++i) handler.handle(sample());
  EXPECT_EQ(handler.counters().dropped.load(), 1000U);
  EXPECT_EQ(handler.counters().errors.load(), 1000U);
  EXPECT_GE(handler.told, 1);
  EXPECT_LT(handler.told, 900);
  EXPECT_TRUE(handler.refuses_all());
  taken(*queue);
  EXPECT_FALSE(handler.refuses_all());
  handler.handle(sample());
  EXPECT_EQ(handler.counters().records.load(), 2U);
  handler.count_abandoned(1);
  EXPECT_EQ(handler.counters().records.load(), 1U);
  EXPECT_EQ(handler.counters().dropped_for[static_cast<std::size_t>(DropReason::kShutdown)].load(), 1U);
}

TEST(QueueHandlerTest, WaitsForRoomIfTold) {
  const auto queue = std::make_shared<LogQueue>(1);
  Quiet handler(queue, QueueHandler::Prepare::kLogbus, 30s);
  handler.handle(sample());
  auto second = std::async(std::launch::async, [&handler] { handler.handle(sample()); });
  taken(*queue);
  second.wait();
  EXPECT_EQ(handler.counters().errors.load(), 0U);
  EXPECT_EQ(queue->size(), 1U);

  Quiet impatient(queue, QueueHandler::Prepare::kLogbus, 20ms);
  const auto begin = std::chrono::steady_clock::now();
  impatient.handle(sample());
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 20ms);
  EXPECT_EQ(impatient.counters().dropped.load(), 1U);
}

TEST(QueueHandlerTest, ASubclassPreparesAndEnqueues) {
  class Own : public QueueHandler {
   public:
    using QueueHandler::QueueHandler;
    int enqueued = 0;
    void prepare(LogRecord& record) const override { record.extra.emplace_back("host", Value("a")); }
    void enqueue(const LogRecord& record) override {
      ++enqueued;
      QueueHandler::enqueue(record);
    }
  };
  const auto queue = std::make_shared<LogQueue>(1);
  Own handler(queue);
  const LogRecord record = sample();
  handler.handle(record);
  EXPECT_EQ(taken(*queue).extra, (Fields{{"host", Value("a")}}));
  EXPECT_TRUE(record.extra.empty());
  EXPECT_EQ(handler.enqueued, 1);
}

TEST(QueueHandlerTest, FiltersBeforeItPuts) {
  const auto queue = std::make_shared<LogQueue>(1);
  QueueHandler handler(queue);
  handler.add_filter(std::make_shared<const Filter>("other"));
  EXPECT_FALSE(handler.handle(sample()));
  EXPECT_EQ(queue->size(), 0U);
}

TEST(QueueHandlerTest, NeedsAQueue) {
  EXPECT_THROW(QueueHandler(nullptr), Error);
}

}  // namespace
}  // namespace logbus
