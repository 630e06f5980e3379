// SPDX-License-Identifier: MIT
// Python's queue.Queue for records: between the threads of one process.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include <logbus/detail/abi.h>
#include <logbus/log_record.h>
#include <logbus/queue.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Carries records from any number of threads to one. Bounded in records, and in bytes if told; the records
/// of a thread stay in its order, and none is lost or doubled. A record is copied into memory that earlier
/// ones have left, so that usually nothing is allocated. get() and task_done() are for one thread at a time,
/// all else for any. After a fork the child has a queue that nobody empties. Source: queue.Queue. Differs
/// from Python: always bounded.
class LogQueue final : public Queue {
 public:
  static constexpr std::size_t kUnbounded = static_cast<std::size_t>(-1);

  /// Room for `capacity` records, and for no more than `memory` bytes: what the records take that are in the
  /// queue, and what it keeps for later ones. Throws Error if either is 0.
  explicit LogQueue(std::size_t capacity, std::size_t memory = kUnbounded);
  ~LogQueue() override;
  LogQueue(const LogQueue&) = delete;
  LogQueue& operator=(const LogQueue&) = delete;

  /// False if the queue is full, or the record larger than it may ever be. Throws std::bad_alloc at most.
  [[nodiscard]] bool put_nowait(const LogRecord& record) override;
  /// Waits up to `timeout` for room.
  [[nodiscard]] bool put(const LogRecord& record, std::chrono::milliseconds timeout) override;
  bool get(LogRecord& record, std::chrono::milliseconds timeout) override;
  void task_done() override;
  /// Ends the get() that waits, else the next that would.
  void interrupt() noexcept override;
  /// Waits until task_done() has answered for all that was put; false if `timeout` has passed before.
  bool join(std::chrono::milliseconds timeout);

  /// While other threads put and get, this is a guess.
  std::size_t size() const noexcept override;
  std::size_t capacity() const noexcept;
  /// Bytes that the queue has at this moment, of at most memory().
  std::size_t used_memory() const noexcept;
  std::size_t memory() const noexcept;
  /// A put_nowait() of a record that is not large has been refused, and none has been taken since then. Any
  /// thread.
  bool is_still_full() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace abi1
}  // namespace logbus
