// SPDX-License-Identifier: MIT
// The queue between a QueueHandler and a QueueListener: the bus, one inside the process, or a user's own.
#pragma once

#include <chrono>
#include <cstddef>

#include <logbus/detail/abi.h>
#include <logbus/log_record.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Source: queue.Queue, as far as logging uses it.
class Queue {
 public:
  virtual ~Queue() = default;
  /// Producer's side, any thread. False if there is no room: the record is lost and the caller counts it.
  virtual bool put_nowait(const LogRecord& record) = 0;
  /// The same, but may wait up to `timeout` for room. By default it doesn't.
  virtual bool put(const LogRecord& record, std::chrono::milliseconds timeout) {
    (void)timeout;
    return put_nowait(record);
  }
  /// Consumer's side, one thread: the next record into `record` (its capacity is reused). Waits up to
  /// `timeout`; false if none came. A timeout of 0 never waits.
  virtual bool get(LogRecord& record, std::chrono::milliseconds timeout) = 0;
  /// Everything that get() has given so far has been handled and flushed, and need not be kept any longer.
  virtual void task_done() {}
  /// Ends a get() that waits, from any thread: it returns false at once.
  virtual void interrupt() noexcept {}
  /// How many records wait: on the consumer's thread, with all that was put before. kUnknownSize: it can't
  /// tell.
  virtual std::size_t size() const noexcept { return kUnknownSize; }

  static constexpr std::size_t kUnknownSize = static_cast<std::size_t>(-1);
};

}  // namespace abi1
}  // namespace logbus
