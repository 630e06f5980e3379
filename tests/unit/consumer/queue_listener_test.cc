// SPDX-License-Identifier: MIT
// QueueListener over a queue of the test's own.
#include <logbus/queue_listener.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <logbus/error.h>

#include "list_queue.h"

namespace logbus::queue_listener_test {
namespace {

using namespace std::chrono_literals;

TEST(QueueListenerTest, GivesEachRecordToEachHandlerInOrder) {
  ListQueue queue;
  const auto one = std::make_shared<Diary>(), two = std::make_shared<Diary>();
  QueueListener listener(queue, {one, two});
  for (const char* text : {"a", "b", "c"}) queue.put_nowait(message(text));
  listener.start();
  listener.stop();
  EXPECT_EQ(one->lines, (std::vector<std::string>{"a", "b", "c"}));
  EXPECT_EQ(two->lines, one->lines);
}

TEST(QueueListenerTest, IgnoresHandlerLevelsUnlessAsked) {
  for (const bool respect : {false, true}) {
    ListQueue queue;
    const auto handler = std::make_shared<Diary>();
    handler->set_level(Level::kError);
    QueueListener listener(queue, {handler}, respect);
    queue.put_nowait(message("info", 20));
    queue.put_nowait(message("error", 40));
    listener.start();
    listener.stop();
    EXPECT_EQ(handler->lines.size(), respect ? 1U : 2U);
  }
}

TEST(QueueListenerTest, StartingTwiceIsAnError) {
  ListQueue queue;
  QueueListener listener(queue, {});
  listener.start();
  try {
    listener.start();
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "Listener already started");
  }
}

TEST(QueueListenerTest, StoppingTwiceOrUnstartedDoesNothing) {
  ListQueue queue;
  QueueListener listener(queue, {});
  listener.stop();
  EXPECT_TRUE(listener.stop(0ms));
  listener.start();
  EXPECT_TRUE(listener.running());
  listener.stop();
  listener.stop();
  EXPECT_FALSE(listener.running());
}

TEST(QueueListenerTest, StartsAgainAfterStop) {
  ListQueue queue;
  const auto handler = std::make_shared<Diary>();
  QueueListener listener(queue, {handler});
  for (int i = 0; i < 3; ++i) {
    listener.start();
    queue.put_nowait(message(std::to_string(i)));
    listener.stop();
  }
  EXPECT_EQ(handler->lines, (std::vector<std::string>{"0", "1", "2"}));
}

TEST(QueueListenerTest, StopLeavesNothingInTheQueue) {
  ListQueue queue;
  const auto handler = std::make_shared<Diary>();
  QueueListener listener(queue, {handler});
  for (int i = 0; i < 10'000; ++i) queue.put_nowait(message("x"));
  listener.start();
  listener.stop();
  EXPECT_EQ(handler->lines.size(), 10'000U);
  EXPECT_EQ(queue.left(), 0U);
  EXPECT_EQ(queue.done(), 10'000U);
}

TEST(QueueListenerTest, DestructionStops) {
  ListQueue queue;
  const auto handler = std::make_shared<Diary>();
  {
    QueueListener listener(queue, {handler});
    listener.start();
    queue.put_nowait(message("x"));
  }
  EXPECT_EQ(handler->lines.size(), 1U);
  EXPECT_FALSE(handler->deferred);
}

TEST(QueueListenerTest, FlushesBeforeItAcknowledges) {
  class Checking : public ListQueue {
   public:
    explicit Checking(Diary& diary) : diary_(diary) {}
    void task_done() override {
      EXPECT_EQ(diary_.flushed, diary_.emitted);
      ListQueue::task_done();
    }

   private:
    Diary& diary_;
  };
  const auto handler = std::make_shared<Diary>();
  Checking queue(*handler);
  QueueListener listener(queue, {handler});
  listener.start();
  for (int i = 0; i < 1000; ++i) queue.put_nowait(message("x"));
  ASSERT_TRUE(queue.wait_until_done(1000));
  listener.stop();
}

TEST(QueueListenerTest, AHandlerThatWaitsForRoomTriesAgainWithoutANewRecord) {
  struct FullDisk : Handler {
    void emit(const LogRecord&) override { waits = true; }
    bool pending() const noexcept override { return waits; }
    void end_batch() override {
      if (++tries < 4) return;
      waits = false;
      written.set_value();
    }
    std::atomic<bool> waits{false};
    int tries = 0;
    std::promise<void> written;
  };
  ListQueue queue;
  const auto handler = std::make_shared<FullDisk>();
  QueueListener listener(queue, {handler});
  listener.start();
  queue.put_nowait(message("waits"));
  EXPECT_EQ(handler->written.get_future().wait_for(20s), std::future_status::ready);
  listener.stop();
  EXPECT_EQ(handler->tries, 4);  // and not once more than needed
}

TEST(QueueListenerTest, RecordsStayInTheQueueWhileAHandlerHasNoRoom) {
  ListQueue queue;
  const auto handler = std::make_shared<Backlog>();
  QueueListener listener(queue, {handler});
  for (int i = 0; i < 10; ++i) queue.put_nowait(message("x"));
  listener.start();
  while (handler->tries < 4) std::this_thread::yield();  // it is asked again and again
  EXPECT_EQ(queue.left(), 8U);
  handler->open = true;
  EXPECT_TRUE(listener.stop(20s));
  EXPECT_EQ(handler->sent, 10);
  EXPECT_EQ(handler->lost, 0);
  EXPECT_EQ(queue.left(), 0U);
}

TEST(QueueListenerTest, StopWithATimeoutWaitsForWhatHandlersKeepAsLongAsThat) {
  for (const bool opens : {true, false}) {
    ListQueue queue;
    const auto handler = std::make_shared<Backlog>();
    QueueListener listener(queue, {handler});
    queue.put_nowait(message("x"));
    listener.start();
    ASSERT_TRUE(queue.wait_until_done(1));
    listener.begin_stop();
    EXPECT_FALSE(listener.wait_stopped(20ms));
    handler->open = opens;
    EXPECT_EQ(listener.stop(opens ? std::chrono::milliseconds(20s) : 20ms), opens);
    EXPECT_EQ(handler->pending(), !opens);
  }
}

TEST(QueueListenerTest, StopWithoutALimitDoesNotWaitForWhatHandlersKeep) {
  ListQueue queue;
  const auto handler = std::make_shared<Backlog>();
  QueueListener listener(queue, {handler});
  for (int i = 0; i < 10; ++i) queue.put_nowait(message("x"));
  listener.start();
  while (handler->tries < 2) std::this_thread::yield();
  listener.stop();
  EXPECT_EQ(queue.left(), 0U);
  EXPECT_EQ(handler->kept, 2);
  EXPECT_EQ(handler->lost, 8);
}

TEST(QueueListenerTest, HandlesWhatIsThereAsOneBatchAndBoundsIt) {
  ListQueue queue;
  QueueListener listener(queue, {});
  constexpr std::size_t kRecords = 20'000;
  for (std::size_t i = 0; i < kRecords; ++i) queue.put_nowait(message("x"));
  listener.start();
  ASSERT_TRUE(queue.wait_until_done(kRecords));
  listener.stop();
  std::size_t before = 0;
  for (const std::size_t given : queue.batches()) {
    EXPECT_LE(given - before, 4096U);
    before = given;
  }
  EXPECT_GE(queue.batches().size(), 5U);
  EXPECT_LT(queue.batches().size(), kRecords / 8);  // a batch ends early after some milliseconds, no sooner
}

TEST(QueueListenerTest, ASlowHandlerDoesNotKeepTheOthersLinesForLong) {
  class Slow : public Handler {
   protected:
    void emit(const LogRecord&) override { std::this_thread::sleep_for(6ms); }  // more than a batch lasts
  };
  ListQueue queue;
  QueueListener listener(queue, {std::make_shared<Slow>()});
  for (int i = 0; i < 6; ++i) queue.put_nowait(message("x"));
  listener.start();
  listener.stop();
  std::size_t before = 0;
  for (const std::size_t given : queue.batches()) {
    EXPECT_LE(given - before, 2U);
    before = given;
  }
  EXPECT_EQ(before, 6U);
}

TEST(QueueListenerTest, AFailingHandlerStopsNeitherTheOthersNorTheLoop) {
  ListQueue queue;
  const auto bad = std::make_shared<Diary>(), good = std::make_shared<Diary>();
  bad->failing = true;
  QueueListener listener(queue, {bad, good});
  listener.start();
  queue.put_nowait(message("1"));
  ASSERT_TRUE(queue.wait_until_done(1));
  queue.put_nowait(message("2"));
  ASSERT_TRUE(queue.wait_until_done(2));
  listener.stop();
  EXPECT_EQ(good->lines, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(bad->counters().dropped.load(), 2U);
  EXPECT_EQ(bad->counters().errors.load(), 4U);  // two records, two batches' ends
}

TEST(QueueListenerTest, DerivedClassesPrepareAndHandle) {
  class Upper : public QueueListener {
   public:
    using QueueListener::QueueListener;
    ~Upper() override { stop(); }
    std::vector<std::string> seen;

   protected:
    void prepare(LogRecord& record) override { record.name = "prepared"; }
    void handle(LogRecord& record) override {
      if (record.get_message() == "throw") throw std::runtime_error("on purpose");
      seen.push_back(record.name + " " + record.get_message());
    }
  };
  ListQueue queue;
  Upper listener(queue, {});
  for (const char* text : {"a", "throw", "b"}) queue.put_nowait(message(text));
  ::testing::internal::CaptureStderr();
  listener.start();
  listener.stop();
  EXPECT_EQ(listener.seen, (std::vector<std::string>{"prepared a", "prepared b"}));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "--- Logging error ---\nQueueListener: on purpose\n");
}

TEST(QueueListenerTest, StopWithATimeoutLeavesTheRestInTheQueue) {
  /// Comes back from a record only when stop() has given it up: it interrupts as it begins and as it gives
  /// up.
  class Slow : public Handler {
   public:
    explicit Slow(ListQueue& queue) : queue_(queue) {}
    std::promise<void> entered;

   protected:
    void emit(const LogRecord& record) override {
      if (record.get_message() != "first") return;
      entered.set_value();
      EXPECT_TRUE(queue_.wait_until_interrupted(2));
    }

   private:
    ListQueue& queue_;
  };
  ListQueue queue;
  const auto slow = std::make_shared<Slow>(queue);
  QueueListener listener(queue, {slow});
  queue.put_nowait(message("first"));
  for (int i = 0; i < 100; ++i) queue.put_nowait(message("x"));
  listener.start();
  slow->entered.get_future().wait();
  EXPECT_FALSE(listener.stop(1ms));
  EXPECT_FALSE(listener.running());
  EXPECT_EQ(queue.done(), 1U);  // flushed and acknowledged
  EXPECT_EQ(queue.left(), 100U);
}

TEST(QueueListenerTest, WhatTheQueueThrowsEndsTheThreadAndComesOutOfStop) {
  ListQueue queue;
  const auto handler = std::make_shared<Diary>();
  QueueListener listener(queue, {handler});
  listener.start();
  queue.put_nowait(message("x"));
  ASSERT_TRUE(queue.wait_until_done(1));
  queue.fail();
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (listener.running() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
  EXPECT_FALSE(listener.running());
  EXPECT_THROW(listener.stop(), Error);
  EXPECT_EQ(handler->lines.size(), 1U);
}

}  // namespace
}  // namespace logbus::queue_listener_test
