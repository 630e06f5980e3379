// SPDX-License-Identifier: MIT
// What a QueueHandler of the configuration leads to: a queue with a listener on a thread of its own, or,
// where it stands for the bus, its handlers themselves.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <vector>

#include <logbus/log_queue.h>
#include <logbus/queue_handler.h>
#include <logbus/queue_listener.h>

#include "sidecar/config.h"

namespace logbus::sidecar {

using Handlers = std::vector<std::shared_ptr<Handler>>;

/// Slow handlers behind it don't hold the drain up. A record that finds the queue full is lost for them, told
/// as Python tells queue.Full, and counted. start(), stop() and join() are for one thread at a time.
class AsyncQueue {
 public:
  /// `behind`: all that its records come to, through other queues too.
  AsyncQueue(const QueueSettings& settings, const BusSettings& bus, Handlers handlers, Handlers behind);

  void start() { listener_.start(); }
  /// Handles what is queued and ends the thread. Gives how many records are left, and lost, after `timeout`.
  std::size_t stop(std::chrono::milliseconds timeout) { return listener_.stop(timeout) ? 0 : queue_->size(); }
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
};

/// The QueueHandler that stands for the bus. Its records have been through the queue already: what is left of
/// Python's QueueHandler and QueueListener is the filters and the loop over `handlers`.
std::shared_ptr<QueueHandler> bus_handler(const QueueSettings& settings, const BusSettings& bus,
                                          Handlers handlers);

}  // namespace logbus::sidecar
