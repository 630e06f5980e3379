// SPDX-License-Identifier: MIT
// QueueHandler.
#include <logbus/queue_handler.h>

#include <utility>

#include <logbus/error.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

QueueHandler::QueueHandler(std::shared_ptr<Queue> queue) : queue_(std::move(queue)) {}

void QueueHandler::prepare(LogRecord&) const {}

void QueueHandler::enqueue(const LogRecord& record) {
  if (!queue_->put_nowait(record)) throw Error("the queue is full");
}

void QueueHandler::emit(const LogRecord& record) {
  LogRecord prepared = record;
  prepare(prepared);
  enqueue(prepared);
}

}  // namespace LOGBUS_ABI
}  // namespace logbus
