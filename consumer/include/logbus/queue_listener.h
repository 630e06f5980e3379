// SPDX-License-Identifier: MIT
// Python's QueueListener: takes records from a queue and hands them to handlers, on a thread of its own.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include <logbus/detail/abi.h>
#include <logbus/handler.h>
#include <logbus/log_record.h>
#include <logbus/queue.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Borrows the queue, which must outlive it. start() and stop() are for one thread. Derive to handle records
/// otherwise, and call stop() in the derived destructor: the thread calls the virtual functions until then.
/// Source: logging.handlers.QueueListener.
/// Differs from Python: handlers buffer within a batch and are flushed at its end; nothing a handler does
/// ends the thread; while a handler has no room for more, the records wait in the queue.
class QueueListener {
 public:
  /// `handlers` get every record, in this order; their levels count only with `respect_handler_level`.
  QueueListener(Queue& queue, std::vector<std::shared_ptr<Handler>> handlers,
                bool respect_handler_level = false);
  virtual ~QueueListener();
  QueueListener(const QueueListener&) = delete;
  QueueListener& operator=(const QueueListener&) = delete;

  /// Starts the thread. Throws Error "Listener already started".
  void start();
  /// Handles what is queued at this moment, flushes, ends the thread and waits for it. What is put later is
  /// left; a queue that doesn't know its size is emptied. Does nothing if it isn't started.
  /// Throws what the queue threw, if that ended the thread before.
  void stop();
  /// The same, and waits for what handlers keep for a later try, but leaves in the queue what is not handled
  /// within `timeout`; false if it left anything undone. A handler that blocks is still waited for.
  bool stop(std::chrono::milliseconds timeout);

  // stop(timeout) in steps, for who ends several of them, or can do without one that blocks for ever.
  /// Lets the thread end once it has come so far. Does not wait.
  void begin_stop();
  /// Waits for that; false if the thread is still at work after `timeout`.
  bool wait_stopped(std::chrono::milliseconds timeout);
  /// Lets the thread end after the record that it is at.
  void abandon();
  /// Whether the thread is there and has not ended by itself.
  bool running() const noexcept { return running_.load(std::memory_order_acquire); }

  /// Called by stop(), on its thread: lets the listener's thread end once the queue has nothing more.
  /// Override it for a queue that must be told too.
  virtual void enqueue_sentinel();

 protected:
  /// The next record into `record`; false if none came within `timeout`.
  virtual bool dequeue(LogRecord& record, std::chrono::milliseconds timeout);
  /// Changes a record before it is handled. Nothing by default.
  virtual void prepare(LogRecord& record);
  /// Gives the record to the handlers.
  virtual void handle(LogRecord& record);

  /// Takes the next record and handles it; false if none came within `timeout`. By default: dequeue(),
  /// prepare(), handle(). `record` is the same each time, so that its memory is used again.
  virtual bool handle_next(LogRecord& record, std::chrono::milliseconds timeout);
  /// prepare() and handle(); whatever they throw is told on stderr.
  void handle_safely(LogRecord& record) noexcept;

  /// A batch lasts some milliseconds, and the clock is looked at after each record. A handle_next() for which
  /// that costs too much has it looked at after so many.
  virtual std::size_t clock_interval() const noexcept { return 1; }
  /// At the end of each batch, on the listener's thread: ends the handlers' batches. False: what was handled
  /// is not safe, and must not be answered for to the queue.
  virtual bool flush_handlers() noexcept;
  /// One handler's share of that; an error goes to the handler.
  static void end_batch(Handler& handler) noexcept;

  bool stopping() const noexcept { return stopping_.load(std::memory_order_acquire); }
  /// stop() has run out of time: this batch is the last.
  bool abandoned() const noexcept { return abandoned_.load(std::memory_order_acquire); }
  const std::vector<std::shared_ptr<Handler>>& handlers() const noexcept { return handlers_; }

 private:
  void run() noexcept;
  std::size_t handle_batch(LogRecord& record, std::size_t most);
  bool has_pending() const noexcept;
  bool has_room() const noexcept;
  void rest();
  void defer_flush(bool deferred) noexcept;
  void join();

  Queue& queue_;
  std::vector<std::shared_ptr<Handler>> handlers_;  // shared with whoever else logs to them
  bool respect_handler_level_;
  std::thread thread_;
  std::atomic<bool> running_{false};
  std::atomic<bool> stopping_{false};   // end when the queue has nothing more
  std::atomic<bool> abandoned_{false};  // end after this record
  std::atomic<bool> lingers_{false};    // end when the handlers keep nothing more
  std::exception_ptr failure_;          // the thread's; read after the join
  std::mutex ended_lock_;
  std::condition_variable ended_;  // or to end at once
};

}  // namespace abi1
}  // namespace logbus
