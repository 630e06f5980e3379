// SPDX-License-Identifier: MIT
// Python's BufferingHandler.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <logbus/detail/abi.h>
#include <logbus/handler.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Keeps copies of records until there are `capacity` of them, and then forgets them: derive and override
/// flush(), and should_flush() for another rule. The record that makes the buffer full is in it. A batch's
/// end does not flush. Source: logging.handlers.BufferingHandler.
class BufferingHandler : public Handler {
 public:
  /// 0: each record is flushed as it comes.
  explicit BufferingHandler(std::size_t capacity) : capacity_(capacity) {}

  /// Whether `record`, the last in the buffer, is to be followed by a flush(). With the lock held.
  virtual bool should_flush(const LogRecord& record) const;
  /// Empties the buffer.
  void flush() override;
  /// Flushes.
  void close() override;

  std::size_t capacity() const noexcept { return capacity_; }
  /// How many records are in the buffer.
  std::size_t size();
  std::string_view class_name() const noexcept override { return "BufferingHandler"; }

 protected:
  void emit(const LogRecord& record) override;
  /// For a flush() of one's own: with lock() held.
  std::vector<LogRecord>& buffer() noexcept { return buffer_; }
  const std::vector<LogRecord>& buffer() const noexcept { return buffer_; }

 private:
  std::size_t capacity_;
  std::vector<LogRecord> buffer_;
};

}  // namespace abi1
}  // namespace logbus
