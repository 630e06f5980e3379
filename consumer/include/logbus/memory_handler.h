// SPDX-License-Identifier: MIT
// Python's MemoryHandler.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <logbus/buffering_handler.h>
#include <logbus/detail/abi.h>
#include <logbus/handler.h>
#include <logbus/level.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Keeps records until there are `capacity` of them or one has `flush_level`, and then gives all to its
/// target, the last one too. The target's filters are asked, its level isn't. Without a target the buffer
/// grows without end. Source: logging.handlers.MemoryHandler. Differs from Python: destruction closes it,
/// as Python's logging.shutdown() does.
class MemoryHandler : public BufferingHandler {
 public:
  /// shared: the target is most often a handler of others too. With `flush_on_close` false, what is in the
  /// buffer when it is closed is lost.
  explicit MemoryHandler(std::size_t capacity, Level flush_level = Level::kError,
                         std::shared_ptr<Handler> target = nullptr, bool flush_on_close = true);
  ~MemoryHandler() override;

  bool should_flush(const LogRecord& record) const override;
  /// Null: no target.
  void set_target(std::shared_ptr<Handler> target);
  std::shared_ptr<Handler> target();
  /// Gives the buffer to the target; without one it is kept.
  void flush() override;
  /// Flushes, unless told not to, and lets go of the target.
  void close() override;
  bool flush_on_close() const noexcept override { return flush_on_close_; }
  /// What the target does with a batch is passed on to it; the buffer stays.
  void defer_flush(bool deferred) override;
  void end_batch() override;
  /// The target's.
  bool pending() const noexcept override;
  bool has_room() const noexcept override;

  Level flush_level() const noexcept { return flush_level_; }
  std::string_view class_name() const noexcept override { return "MemoryHandler"; }

 protected:
  void emit(const LogRecord& record) override;

 private:
  const Level flush_level_;
  const bool flush_on_close_;
  std::shared_ptr<Handler> target_;
  bool deferred_ = false;
  bool emitting_ = false;  // flush() is emit()'s: a batch's end comes later
};

}  // namespace abi1
}  // namespace logbus
