// SPDX-License-Identifier: MIT
// What a QueueHandler of the configuration leads to: a queue with a listener on a thread of its own, or,
// where it stands for the bus, its handlers themselves.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <logbus/log_queue.h>
#include <logbus/queue_handler.h>
#include <logbus/queue_listener.h>

#include "sidecar/config.h"

namespace logbus::sidecar {

using Handlers = std::vector<std::shared_ptr<Handler>>;

/// Slow handlers behind it don't hold the drain up. A record that finds the queue full is lost for them, told
/// as Python tells queue.Full, and counted. start() and all that ends it are for one thread at a time.
class AsyncQueue : public std::enable_shared_from_this<AsyncQueue> {
 public:
  /// `behind`: all that its records come to, through other queues too.
  AsyncQueue(const QueueSettings& settings, const BusSettings& bus, Handlers handlers, Handlers behind);

  void start() { listener_.start(); }
  // The end, in steps.
  /// Lets the thread end when all that is queued is handled, and the handlers keep nothing for a later try.
  void begin_stop() { listener_.begin_stop(); }
  /// From now on the thread ends after the record that it is at.
  void abandon() { listener_.abandon(); }
  bool has_stopped() const noexcept { return !listener_.running(); }
  /// After it has stopped. Before: a handler stands still, and is left alone, on the thread, with all that it
  /// needs, until the process ends. Gives how many records are left in the queue, and counts them as lost.
  std::uint64_t finish();
  /// Whether any queue has been left like that. Then the process must end by _exit().
  static bool any_left_alone() noexcept;

  /// Waits until all that was queued is handled and flushed; false after `timeout`.
  bool join(std::chrono::milliseconds timeout) { return queue_->join(timeout); }
  std::size_t queued() const noexcept { return queue_->size(); }
  std::size_t capacity() const noexcept { return queue_->capacity(); }
  const std::shared_ptr<QueueHandler>& handler() const noexcept { return handler_; }
  const Handlers& behind() const noexcept { return behind_; }

 private:
  std::shared_ptr<LogQueue> queue_;
  std::shared_ptr<QueueHandler> handler_;  // shared with the logger tree
  Handlers behind_;                        // shared with the pipeline
  QueueListener listener_;
  bool finished_ = false;
};

/// The QueueHandler that stands for the bus. Its records have been through the queue already: what is left of
/// Python's QueueHandler and QueueListener is the filters and the loop over `handlers`.
std::shared_ptr<QueueHandler> bus_handler(const QueueSettings& settings, const BusSettings& bus,
                                          Handlers handlers);

}  // namespace logbus::sidecar
