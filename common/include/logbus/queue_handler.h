// SPDX-License-Identifier: MIT
// Python's QueueHandler: puts records into a Queue, for a QueueListener on the other side.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include <logbus/detail/abi.h>
#include <logbus/handler.h>
#include <logbus/log_queue.h>
#include <logbus/queue.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// A handler over a Queue: a LogQueue, the bus (bus_queue() of logbus/bus_queue.h), or a user's own. Any
/// thread; waits only if told to. Source: logging.handlers.QueueHandler. Differs from Python: prepare()
/// leaves msg, args, exc_text and stack_info as they are, for the listener's formatters, unless it is told to
/// fold them.
class QueueHandler : public Handler {
 public:
  /// What becomes of a record before it is put: nothing, or what Python does: msg is the text that this
  /// handler's formatter makes, traceback and stack included, and args, exc_text and stack_info are gone. A
  /// line's format that has something behind %(message)s shows the difference.
  enum class Prepare { kLogbus, kPython };

  /// shared: the listener has the queue too. `block_timeout`: how long a full queue may make the caller wait.
  explicit QueueHandler(std::shared_ptr<Queue> queue, Prepare prepare = Prepare::kLogbus,
                        std::chrono::milliseconds block_timeout = std::chrono::milliseconds::zero());

  /// Changes the record before it is put, in place. Override as in Python. May throw.
  virtual void prepare(LogRecord& record) const;
  /// Puts the record. Throws logbus::Error if there is no room: emit() is inside handle()'s catch, as in
  /// Python.
  virtual void enqueue(const LogRecord& record);
  /// Without the handler's lock: a Queue takes records from any thread, and a full one may make this one
  /// wait.
  bool handle(const LogRecord& record) noexcept override;

  /// So many of the records that it has put are lost: nobody takes them any more. Counts them as kShutdown.
  void count_abandoned(std::uint64_t records) noexcept { count_dropped(DropReason::kShutdown, records); }

  /// The next record would be lost: the handler does not wait, and its queue is a LogQueue that
  /// is_still_full(). Who asks need not make the record, and may count_refused() it.
  bool refuses_all() const noexcept {
    return log_queue_ != nullptr && log_queue_->is_still_full() && !has_filters();
  }
  /// Counts so many records as handle() would that found no room. None of them is told on stderr.
  void count_refused(std::uint64_t records) noexcept;

  const std::shared_ptr<Queue>& queue() const noexcept { return queue_; }
  std::string_view class_name() const noexcept override { return "QueueHandler"; }

 protected:
  void emit(const LogRecord& record) override;

 private:
  const std::shared_ptr<Queue> queue_;
  const Prepare prepare_;
  const std::chrono::milliseconds block_timeout_;
  const LogQueue* const log_queue_;          // null: the queue is another one, or it is waited for
  std::atomic<std::int64_t> tell_at_ms_{0};  // when the next refusal is told; 0: at once
};

}  // namespace abi1
}  // namespace logbus
