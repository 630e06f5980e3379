// SPDX-License-Identifier: MIT
// BufferingHandler.
#include <logbus/buffering_handler.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

bool BufferingHandler::should_flush(const LogRecord&) const {
  return buffer_.size() >= capacity_;
}

void BufferingHandler::flush() {
  const std::lock_guard guard(lock());
  buffer_.clear();
}

void BufferingHandler::close() {
  flush();
}

std::size_t BufferingHandler::size() {
  const std::lock_guard guard(lock());
  return buffer_.size();
}

void BufferingHandler::emit(const LogRecord& record) {
  buffer_.push_back(record);
  if (should_flush(record)) flush();
}

}  // namespace abi1
}  // namespace logbus
