// SPDX-License-Identifier: MIT
// Python's QueueHandler: puts records into a Queue, for a QueueListener on the other side.
#pragma once

#include <memory>
#include <string_view>

#include <logbus/detail/abi.h>
#include <logbus/handler.h>
#include <logbus/queue.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// A handler over a Queue: the bus (bus_queue()), one inside the process, or a user's own. Source:
/// logging.handlers.QueueHandler. Differs from Python: prepare() leaves msg and args unmerged, the listener's
/// side merges them.
class QueueHandler : public Handler {
 public:
  /// shared: the listener has the queue too.
  explicit QueueHandler(std::shared_ptr<Queue> queue);

  /// Changes the record before it is put, in place. Override as in Python. May throw.
  virtual void prepare(LogRecord& record) const;
  /// Puts the record. Throws logbus::Error if there is no room: emit() is inside handle()'s catch, as in
  /// Python.
  virtual void enqueue(const LogRecord& record);
  /// Without the handler's lock: a Queue takes records from any thread, and a full one may make this one
  /// wait.
  bool handle(const LogRecord& record) noexcept override;

  const std::shared_ptr<Queue>& queue() const noexcept { return queue_; }
  std::string_view class_name() const noexcept override { return "QueueHandler"; }

 protected:
  void emit(const LogRecord& record) override;

 private:
  std::shared_ptr<Queue> queue_;
};

}  // namespace abi1
}  // namespace logbus
