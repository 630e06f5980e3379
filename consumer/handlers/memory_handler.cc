// SPDX-License-Identifier: MIT
// MemoryHandler.
#include <logbus/memory_handler.h>

#include <utility>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

MemoryHandler::MemoryHandler(std::size_t capacity, Level flush_level, std::shared_ptr<Handler> target,
                             bool flush_on_close)
    : BufferingHandler(capacity),
      flush_level_(flush_level),
      flush_on_close_(flush_on_close),
      target_(std::move(target)) {}

MemoryHandler::~MemoryHandler() {
  try {
    MemoryHandler::close();
  } catch (const std::exception& error) {
    handle_error(nullptr, error);
  }
}

bool MemoryHandler::should_flush(const LogRecord& record) const {
  return BufferingHandler::should_flush(record) || record.levelno >= static_cast<int>(flush_level_);
}

void MemoryHandler::set_target(std::shared_ptr<Handler> target) {
  const std::lock_guard guard(lock());
  if (target == target_) return;
  if (deferred_ && target_ != nullptr) target_->defer_flush(false);
  target_ = std::move(target);
  if (deferred_ && target_ != nullptr) target_->defer_flush(true);
}

std::shared_ptr<Handler> MemoryHandler::target() {
  const std::lock_guard guard(lock());
  return target_;
}

void MemoryHandler::emit(const LogRecord& record) {
  struct Emitting {
    bool& flag;
    ~Emitting() { flag = false; }
  } emitting{emitting_};
  emitting_ = true;
  BufferingHandler::emit(record);
  set_waiting(buffer().size());
}

void MemoryHandler::flush() {
  const std::lock_guard guard(lock());
  // With nothing to give, the target is none of its business: it may serve others by now, on another thread.
  if (target_ == nullptr || buffer().empty()) return;
  // Apart from the buffer, which a target that logs here in turn would change.
  std::vector<LogRecord> records;
  records.swap(buffer());
  for (const LogRecord& record : records) target_->handle(record);
  records.clear();
  if (buffer().empty()) records.swap(buffer());  // its memory serves again
  set_waiting(buffer().size());
  if (!emitting_ || !deferred_) target_->end_batch();
}

void MemoryHandler::close() {
  const std::lock_guard guard(lock());
  try {
    if (flush_on_close_) flush();
  } catch (...) {
    set_target(nullptr);
    throw;
  }
  set_target(nullptr);
}

void MemoryHandler::defer_flush(bool deferred) {
  const std::lock_guard guard(lock());
  deferred_ = deferred;
  if (target_ != nullptr) target_->defer_flush(deferred);
}

void MemoryHandler::end_batch() {
  const std::lock_guard guard(lock());
  if (target_ != nullptr) target_->end_batch();
}

bool MemoryHandler::pending() const noexcept {
  const std::lock_guard guard(lock());
  return target_ != nullptr && target_->pending();
}

bool MemoryHandler::has_room() const noexcept {
  const std::lock_guard guard(lock());
  return target_ == nullptr || target_->has_room();
}

}  // namespace abi1
}  // namespace logbus
