// SPDX-License-Identifier: MIT
// QueueHandler.
#include <logbus/queue_handler.h>

#include <cerrno>
#include <utility>

#include <logbus/error.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

QueueHandler::QueueHandler(std::shared_ptr<Queue> queue) : queue_(std::move(queue)) {
  if (queue_ == nullptr) throw Error(EINVAL, "a QueueHandler needs a queue");
}

void QueueHandler::prepare(LogRecord&) const {}

void QueueHandler::enqueue(const LogRecord& record) {
  if (!queue_->put_nowait(record)) throw Error("the queue is full");
}

bool QueueHandler::handle(const LogRecord& record) noexcept {
  try {
    if (has_filters()) {
      LogRecord changeable = record;
      if (!filter(changeable)) return false;
      emit(changeable);
    } else {
      emit(record);
    }
    mutable_counters().records.fetch_add(1, std::memory_order_relaxed);
  } catch (const std::exception& error) {
    mutable_counters().dropped.fetch_add(1, std::memory_order_relaxed);
    handle_error(&record, error);
  } catch (...) {
    mutable_counters().dropped.fetch_add(1, std::memory_order_relaxed);
    handle_error(&record, Error("an exception of an unknown type"));
  }
  return true;
}

void QueueHandler::emit(const LogRecord& record) {
  LogRecord prepared = record;
  prepare(prepared);
  enqueue(prepared);
}

}  // namespace abi1
}  // namespace logbus
