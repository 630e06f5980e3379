// SPDX-License-Identifier: MIT
// LogQueue: its bound, its order, who waits and who wakes. Most of it is for ThreadSanitizer too.
#include <logbus/log_queue.h>

#include <algorithm>
#include <atomic>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <logbus/error.h>

namespace logbus {
namespace {

using namespace std::chrono_literals;

// Longer than any machine needs: a test that waits so long has failed.
constexpr auto kLong = 30s;

LogRecord message(std::string text, int lineno = 0) {
  LogRecord record;
  record.msg = std::move(text);
  record.lineno = lineno;
  return record;
}

std::string text_of(LogQueue& queue) {
  LogRecord record;
  return queue.get(record, 0ms) ? record.get_message() : "nothing";
}

TEST(LogQueueTest, GivesRecordsInTheOrderTheyWerePut) {
  LogQueue queue(4);
  for (const char* text : {"a", "b", "c"}) ASSERT_TRUE(queue.put_nowait(message(text)));
  EXPECT_EQ(queue.size(), 3U);
  EXPECT_EQ(text_of(queue), "a");
  EXPECT_EQ(text_of(queue), "b");
  EXPECT_EQ(text_of(queue), "c");
  EXPECT_EQ(queue.size(), 0U);
}

TEST(LogQueueTest, CarriesAllOfARecord) {
  LogQueue queue(1);
  LogRecord record = message("paid %s");
  record.name = "orders.api";
  record.args = Value(List{Value(42), Value("x")});
  record.levelno = 30;
  record.levelname = "WARNING";
  record.exc_text = "Traceback";
  record.stack_info = "Stack";
  record.created_ns = 1'700'000'000'000'000'000;
  record.thread_name = "main";
  record.extra = {{"order", Value(7)}, {"map", Value(Dict{{Value("k"), Value(1.5)}})}};
  record.overrides = {{"module", Value(None())}};
  record.late = true;
  ASSERT_TRUE(queue.put_nowait(record));
  LogRecord taken = message("what was there before");
  ASSERT_TRUE(queue.get(taken, 0ms));
  EXPECT_EQ(taken.name, record.name);
  EXPECT_EQ(taken.msg, record.msg);
  EXPECT_EQ(taken.args, record.args);
  EXPECT_EQ(taken.levelno, 30);
  EXPECT_EQ(taken.levelname, "WARNING");
  EXPECT_EQ(taken.exc_text, "Traceback");
  EXPECT_EQ(taken.stack_info, "Stack");
  EXPECT_EQ(taken.created_ns, record.created_ns);
  EXPECT_EQ(taken.thread_name, "main");
  EXPECT_EQ(taken.extra, record.extra);
  EXPECT_EQ(taken.overrides, record.overrides);
  EXPECT_TRUE(taken.late);
}

TEST(LogQueueTest, LeavesNothingOfAnEarlierRecordInALaterOne) {
  LogQueue queue(1);
  LogRecord full = message("first");
  full.exc_text = "Traceback";
  full.args = Value(List{Value(1)});
  full.extra = {{"k", Value(1)}};
  LogRecord taken;
  for (int round = 0; round < 3; ++round) {  // the memory goes round
    ASSERT_TRUE(queue.put_nowait(full));
    ASSERT_TRUE(queue.get(taken, 0ms));
  }
  ASSERT_TRUE(queue.put_nowait(message("second")));
  ASSERT_TRUE(queue.get(taken, 0ms));
  EXPECT_EQ(taken.get_message(), "second");
  EXPECT_EQ(taken.exc_text, "");
  EXPECT_TRUE(taken.args.is_none());
  EXPECT_TRUE(taken.extra.empty());
}

TEST(LogQueueTest, HoldsExactlyItsCapacity) {
  for (const std::size_t capacity : {std::size_t{1}, std::size_t{2}, std::size_t{100}, std::size_t{70'000}}) {
    LogQueue queue(capacity);
    EXPECT_EQ(queue.capacity(), capacity);
    for (int round = 0; round < 2; ++round) {
      for (std::size_t i = 0; i < capacity; ++i)
        ASSERT_TRUE(queue.put_nowait(message("x", static_cast<int>(i))));
      EXPECT_FALSE(queue.put_nowait(message("one over")));
      EXPECT_EQ(queue.size(), capacity);
      LogRecord record;
      for (std::size_t i = 0; i < capacity; ++i) {
        ASSERT_TRUE(queue.get(record, 0ms));
        ASSERT_EQ(record.lineno, static_cast<int>(i));
      }
      EXPECT_FALSE(queue.get(record, 0ms));
    }
  }
  EXPECT_THROW(LogQueue(0), Error);
}

TEST(LogQueueTest, TakesNoMoreMemoryThanItMay) {
  constexpr std::size_t kMemory = 1 << 20;
  LogQueue queue(10'000, kMemory);
  LogRecord taken;
  std::size_t most = 0;
  for (int round = 0; round < 50; ++round) {
    const std::size_t before = queue.size();
    for (int i = 0; i < 200; ++i) {
      LogRecord record = message(std::string(static_cast<std::size_t>((i * 7919) % 20'000), 'x'));
      if (i % 3 == 0) record.args = Value(List{Value(Dict{{Value("k"), Value(std::string(900, 'y'))}})});
      if (i % 5 == 0) record.pathname = std::string(400, 'p');
      (void)queue.put_nowait(record);
      EXPECT_LE(queue.used_memory(), kMemory);
      most = std::max(most, queue.used_memory());
    }
    EXPECT_GT(queue.size(), before / 2);
    for (int i = 0; i < round; ++i) (void)queue.get(taken, 0ms);
    EXPECT_LE(queue.used_memory(), kMemory);
  }
  EXPECT_GT(most, kMemory / 10 * 9);
  while (queue.get(taken, 0ms)) {
  }
  EXPECT_TRUE(queue.put_nowait(message(std::string(kMemory / 10 * 9, 'z'))));  // all is given back for it
}

TEST(LogQueueTest, MemoryCountsWhatARecordUsesNotWhatItHasRoomFor) {
  LogQueue queue(100, 100'000);
  LogRecord record = message(std::string(90'000, 'x'));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(queue.put_nowait(record));
    record.msg.get_if<std::string>()->assign("small");  // its memory stays
  }
}

TEST(LogQueueTest, ARecordThatNeverFitsIsRefusedAtOnce) {
  LogQueue queue(10, 10'000);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(queue.put(message(std::string(20'000, 'x')), kLong));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kLong);
  EXPECT_FALSE(queue.is_still_full());
  EXPECT_TRUE(queue.put_nowait(message("small")));
  EXPECT_THROW(LogQueue(1, 0), Error);
}

TEST(LogQueueTest, AGetMakesRoomForThePutThatWaitsForMemory) {
  LogQueue queue(100, 20'000);
  for (int i = 0; i < 50; ++i) {
    ASSERT_TRUE(queue.put_nowait(message(std::string(12'000, 'a'))));
    auto put = std::async(std::launch::async,
                          [&queue] { return queue.put(message(std::string(12'000, 'b')), kLong); });
    ASSERT_EQ(text_of(queue).size(), 12'000U);
    ASSERT_TRUE(put.get());
    ASSERT_EQ(text_of(queue).size(), 12'000U);
  }
}

TEST(LogQueueTest, IsStillFullUntilARecordIsTaken) {
  LogQueue queue(1);
  EXPECT_FALSE(queue.is_still_full());
  ASSERT_TRUE(queue.put_nowait(message("a")));
  EXPECT_FALSE(queue.is_still_full());  // nobody has been refused
  ASSERT_FALSE(queue.put_nowait(message("b")));
  EXPECT_TRUE(queue.is_still_full());
  EXPECT_EQ(text_of(queue), "a");
  EXPECT_FALSE(queue.is_still_full());
  EXPECT_TRUE(queue.put_nowait(message("c")));
}

TEST(LogQueueTest, ALargeRecordThatIsRefusedDoesNotStandForTheSmallOnes) {
  LogQueue queue(100, 100'000);
  ASSERT_TRUE(queue.put_nowait(message(std::string(60'000, 'a'))));
  ASSERT_FALSE(queue.put_nowait(message(std::string(60'000, 'b'))));
  EXPECT_FALSE(queue.is_still_full());
  while (queue.put_nowait(message("small"))) {
  }
  EXPECT_TRUE(queue.is_still_full());
}

TEST(LogQueueTest, ARecordTakenMakesRoomForOne) {
  LogQueue queue(2);
  ASSERT_TRUE(queue.put_nowait(message("a")));
  ASSERT_TRUE(queue.put_nowait(message("b")));
  EXPECT_EQ(text_of(queue), "a");
  EXPECT_TRUE(queue.put_nowait(message("c")));
  EXPECT_FALSE(queue.put_nowait(message("d")));
  EXPECT_EQ(text_of(queue), "b");
  EXPECT_EQ(text_of(queue), "c");
}

TEST(LogQueueTest, CarriesLargeRecords) {
  LogQueue queue(3);
  const std::string large(1 << 20, 'x');
  for (int round = 0; round < 4; ++round) {
    LogRecord record = message(large);
    record.args = Value(List{Value(Dict{{Value("k"), Value(large)}}), Value(Tuple{{Value(large)}})});
    ASSERT_TRUE(queue.put_nowait(record));
    ASSERT_TRUE(queue.put_nowait(message("small")));
    LogRecord taken;
    ASSERT_TRUE(queue.get(taken, 0ms));
    EXPECT_EQ(taken.args, record.args);
    EXPECT_EQ(text_of(queue), "small");
  }
}

TEST(LogQueueTest, AnEmptyGetWaitsAsLongAsItIsTold) {
  LogQueue queue(1);
  LogRecord record;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(queue.get(record, 30ms));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 30ms);
}

TEST(LogQueueTest, APutWakesTheGetThatWaits) {
  LogQueue queue(1);
  for (int i = 0; i < 200; ++i) {  // before, during and after the moment it falls asleep
    auto taken = std::async(std::launch::async, [&queue] {
      LogRecord record;
      return queue.get(record, kLong) ? record.lineno : -1;
    });
    ASSERT_TRUE(queue.put_nowait(message("x", i)));
    ASSERT_EQ(taken.get(), i);
  }
}

TEST(LogQueueTest, InterruptEndsTheGetThatWaits) {
  LogQueue queue(1);
  for (int i = 0; i < 200; ++i) {
    auto taken = std::async(std::launch::async, [&queue] {
      LogRecord record;
      const auto begin = std::chrono::steady_clock::now();
      EXPECT_FALSE(queue.get(record, std::chrono::milliseconds::max()));
      return std::chrono::steady_clock::now() - begin;
    });
    queue.interrupt();
    ASSERT_LT(taken.get(), kLong);
  }
}

TEST(LogQueueTest, InterruptTakesNoRecordAway) {
  LogQueue queue(2);
  LogRecord record;
  queue.interrupt();
  ASSERT_TRUE(queue.put_nowait(message("a")));
  EXPECT_TRUE(queue.get(record, kLong));
  EXPECT_FALSE(queue.get(record, kLong));  // the interrupt, at once
  ASSERT_TRUE(queue.put_nowait(message("b")));
  EXPECT_EQ(text_of(queue), "b");
}

TEST(LogQueueTest, APutWaitsForRoomAsLongAsItIsTold) {
  LogQueue queue(1);
  ASSERT_TRUE(queue.put(message("a"), kLong));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_FALSE(queue.put(message("b"), 30ms));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 30ms);
  EXPECT_EQ(text_of(queue), "a");
  EXPECT_EQ(text_of(queue), "nothing");
}

TEST(LogQueueTest, AGetWakesThePutThatWaits) {
  LogQueue queue(1);
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(queue.put_nowait(message("first")));
    auto put = std::async(std::launch::async, [&queue] {
      return queue.put(message("second"), std::chrono::milliseconds::max());
    });
    ASSERT_EQ(text_of(queue), "first");
    ASSERT_TRUE(put.get());
    ASSERT_EQ(text_of(queue), "second");
  }
}

TEST(LogQueueTest, APutFindsTheRoomOfOneRecordInALargeQueue) {
  LogQueue queue(1000);
  for (int round = 0; round < 10; ++round) {
    while (queue.put_nowait(message("first"))) {
    }
    auto put = std::async(std::launch::async, [&queue] { return queue.put(message("second"), kLong); });
    ASSERT_EQ(put.wait_for(1ms), std::future_status::timeout);  // it waits
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_EQ(text_of(queue), "first");
    ASSERT_TRUE(put.get());
    EXPECT_LT(std::chrono::steady_clock::now() - begin, kLong / 2);
  }
}

TEST(LogQueueTest, JoinWaitsUntilAllIsDone) {
  LogQueue queue(10);
  EXPECT_TRUE(queue.join(0ms));
  ASSERT_TRUE(queue.put_nowait(message("a")));
  ASSERT_TRUE(queue.put_nowait(message("b")));
  EXPECT_FALSE(queue.join(0ms));
  EXPECT_EQ(text_of(queue), "a");
  queue.task_done();
  EXPECT_FALSE(queue.join(1ms));  // "b" has not been taken
  EXPECT_EQ(text_of(queue), "b");
  EXPECT_FALSE(queue.join(1ms));  // nor answered for
  auto joined = std::async(std::launch::async, [&queue] { return queue.join(kLong); });
  queue.task_done();
  EXPECT_TRUE(joined.get());
}

// What each of many threads has put comes once, in its order.
struct Tally {
  explicit Tally(std::size_t producers) : next(producers, 0) {}
  void take(const LogRecord& record) {
    const auto producer = static_cast<std::size_t>(record.process);
    EXPECT_EQ(record.lineno, next[producer]);
    EXPECT_EQ(record.get_message(), std::to_string(record.process) + ":" + std::to_string(record.lineno));
    next[producer] = record.lineno + 1;
  }
  std::vector<int> next;
};

LogRecord numbered(std::size_t producer, int number) {
  LogRecord record = message(std::to_string(producer) + ":" + std::to_string(number), number);
  record.process = static_cast<std::int64_t>(producer);
  return record;
}

TEST(LogQueueTest, LosesAndDoublesNothingOfManyThreadsThatWait) {
  constexpr std::size_t kProducers = 6;
  constexpr int kRecords = 4000;
  for (const std::size_t capacity : {1U, 3U, 64U, 1000U}) {
    // The last one is bounded by the memory of some thirty records.
    LogQueue queue(capacity, capacity == 1000 ? 20'000 : LogQueue::kUnbounded);
    std::vector<std::thread> producers;
    for (std::size_t producer = 0; producer < kProducers; ++producer) {
      producers.emplace_back([&queue, producer] {
        for (int i = 0; i < kRecords; ++i) EXPECT_TRUE(queue.put(numbered(producer, i), kLong));
      });
    }
    Tally tally(kProducers);
    LogRecord record;
    for (std::size_t i = 0; i < kProducers * kRecords; ++i) {
      ASSERT_TRUE(queue.get(record, kLong));
      tally.take(record);
      if (i % 100 == 0) queue.task_done();
    }
    for (std::thread& thread : producers) thread.join();
    queue.task_done();
    EXPECT_TRUE(queue.join(0ms));
    EXPECT_EQ(queue.size(), 0U);
    EXPECT_EQ(tally.next, std::vector<int>(kProducers, kRecords));
  }
}

TEST(LogQueueTest, CountsEveryRefusalOfManyThreadsThatDoNotWait) {
  constexpr std::size_t kProducers = 4;
  constexpr int kRecords = 5000;
  LogQueue queue(8);
  std::atomic<int> accepted{0};
  std::vector<std::thread> producers;
  for (std::size_t producer = 0; producer < kProducers; ++producer) {
    producers.emplace_back([&queue, &accepted, producer] {
      for (int i = 0; i < kRecords; ++i) {
        if (!queue.put_nowait(numbered(producer, i))) continue;
        accepted.fetch_add(1);
        EXPECT_LE(queue.size(), queue.capacity());
      }
    });
  }
  std::atomic<bool> over{false};
  std::thread consumer([&] {
    std::vector<int> last(kProducers, -1);
    LogRecord record;
    int taken = 0;
    for (;;) {
      const bool end = over.load();  // before the get that finds nothing
      if (queue.get(record, end ? 0ms : 1ms)) {
        int& before = last[static_cast<std::size_t>(record.process)];
        EXPECT_GT(record.lineno, before);
        before = record.lineno;
        ++taken;
      } else if (end) {
        break;
      }
    }
    EXPECT_EQ(taken, accepted.load());
  });
  for (std::thread& thread : producers) thread.join();
  over.store(true);
  consumer.join();
}

TEST(LogQueueTest, MayBeDestroyedWithRecordsInIt) {
  LogQueue queue(8);
  ASSERT_TRUE(queue.put_nowait(message(std::string(1000, 'x'))));
  ASSERT_TRUE(queue.put_nowait(message("y")));
  EXPECT_EQ(text_of(queue).size(), 1000U);
}

}  // namespace
}  // namespace logbus
