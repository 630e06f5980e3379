// SPDX-License-Identifier: MIT
// QueueListener over a queue of the test's own.
#include <logbus/queue_listener.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <logbus/error.h>

namespace logbus::queue_listener_test {
namespace {

using namespace std::chrono_literals;

LogRecord message(std::string text, int level = 20) {
  LogRecord record;
  record.msg = std::move(text);
  record.levelno = level;
  return record;
}

/// In memory, unbounded; counts what task_done() has acknowledged.
class ListQueue : public Queue {
 public:
  bool put_nowait(const LogRecord& record) override {
    const std::lock_guard lock(lock_);
    records_.push_back(record);
    changed_.notify_all();
    return true;
  }
  bool get(LogRecord& record, std::chrono::milliseconds timeout) override {
    std::unique_lock lock(lock_);
    changed_.wait_for(lock, timeout, [this] { return !records_.empty() || interrupted_ || failing_; });
    interrupted_ = false;
    if (failing_) throw Error("queue broken");
    if (records_.empty()) return false;
    record = std::move(records_.front());
    records_.pop_front();
    ++given_;
    return true;
  }
  void task_done() override {
    const std::lock_guard lock(lock_);
    done_ = given_;
    batches_.push_back(given_);
    changed_.notify_all();
  }
  void interrupt() noexcept override {
    const std::lock_guard lock(lock_);
    interrupted_ = true;
    ++interrupts_;
    changed_.notify_all();
  }
  void fail() {
    const std::lock_guard lock(lock_);
    failing_ = true;
    changed_.notify_all();
  }
  bool wait_until_done(std::size_t count) {
    std::unique_lock lock(lock_);
    return changed_.wait_for(lock, 20s, [&] { return done_ >= count; });
  }
  bool wait_until_interrupted(std::size_t times) {
    std::unique_lock lock(lock_);
    return changed_.wait_for(lock, 20s, [&] { return interrupts_ >= times; });
  }
  std::size_t left() {
    const std::lock_guard lock(lock_);
    return records_.size();
  }
  std::size_t done() {
    const std::lock_guard lock(lock_);
    return done_;
  }
  std::vector<std::size_t> batches() {
    const std::lock_guard lock(lock_);
    return batches_;
  }

 private:
  std::mutex lock_;
  std::condition_variable changed_;
  std::deque<LogRecord> records_;
  std::size_t given_ = 0;
  std::size_t done_ = 0;
  std::vector<std::size_t> batches_;  // how many had been given at each task_done()
  std::size_t interrupts_ = 0;
  bool interrupted_ = false;
  bool failing_ = false;
};

/// Writes down all that happens to it.
class Diary : public Handler {
 public:
  std::vector<std::string> lines;  // read after stop()
  std::size_t flushed = 0;         // records emitted before the last batch's end
  std::size_t emitted = 0;
  bool deferred = false;
  bool failing = false;

  void flush() override { ADD_FAILURE() << "a batch's end is not Python's flush"; }
  void end_batch() override {
    flushed = emitted;
    if (failing) throw std::runtime_error("end_batch failed");
  }
  void defer_flush(bool on) override { deferred = on; }
  void handle_error(const LogRecord*, const std::exception&) noexcept override {
    mutable_counters().errors.fetch_add(1, std::memory_order_relaxed);
  }

 protected:
  void emit(const LogRecord& record) override {
    EXPECT_TRUE(deferred);
    if (failing) throw std::runtime_error("emit failed");
    ++emitted;
    lines.push_back(record.get_message());
  }
};

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

/// Keeps up to two records, until it is let go; counts what it would have lost.
class Backlog : public Handler {
 public:
  std::atomic<bool> open{false};
  std::atomic<int> kept{0}, sent{0}, lost{0}, tries{0};
  bool pending() const noexcept override { return kept > 0; }
  bool has_room() const noexcept override { return kept < 2; }
  void end_batch() override {
    ++tries;
    if (open) sent += kept.exchange(0);
  }

 protected:
  void emit(const LogRecord&) override {
    if (has_room())
      ++kept;
    else
      ++lost;
  }
};

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
