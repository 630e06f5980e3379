// SPDX-License-Identifier: MIT
// What a QueueListener is tested with: a queue in memory, and handlers that say what happens to them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <logbus/error.h>
#include <logbus/queue_listener.h>

namespace logbus::queue_listener_test {

inline LogRecord message(std::string text, int level = 20) {
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
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return done_ >= count; });
  }
  bool wait_until_interrupted(std::size_t times) {
    std::unique_lock lock(lock_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return interrupts_ >= times; });
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

}  // namespace logbus::queue_listener_test
