// SPDX-License-Identifier: MIT
// Python's Handler: where a record goes.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <logbus/detail/abi.h>
#include <logbus/filter.h>
#include <logbus/formatter.h>
#include <logbus/level.h>
#include <logbus/log_record.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Counters of one handler, readable from any thread.
struct HandlerCounters {
  std::atomic<std::uint64_t> records{0};  // emitted
  std::atomic<std::uint64_t> bytes{0};    // written
  std::atomic<std::uint64_t> errors{0};   // handle_error calls
  std::atomic<std::uint64_t> dropped{0};  // records lost by an error
};

/// Base of all handlers. handle() may be called from several threads. Source: logging.Handler.
class Handler : public Filterer {
 public:
  Handler() = default;
  virtual ~Handler() = default;
  Handler(const Handler&) = delete;
  Handler& operator=(const Handler&) = delete;

  /// Filters, then locks and emits; whatever emit throws goes to handle_error. False if a filter refused.
  /// Never throws. The level is not looked at, as in Python: the caller does.
  virtual bool handle(const LogRecord& record) noexcept;
  /// Makes sure that all that was logged has been passed on. May throw.
  virtual void flush() {}
  /// Flushes and releases what the handler holds. May be called twice. May throw.
  virtual void close() {}
  /// Whether whoever closes the handler for good flushes it first, as logging.shutdown() does.
  virtual bool flush_on_close() const noexcept { return true; }
  /// With `true`, emit may hold its writes back until end_batch(): the listener's batches.
  virtual void defer_flush(bool deferred) { (void)deferred; }
  /// Writes out what deferred flushing has held back, and no more: a MemoryHandler keeps its records. May
  /// throw.
  virtual void end_batch() {}
  /// Records are left that a later end_batch() or flush() may still write: the disk was full. Who can keep
  /// their source does so while this holds, and calls end_batch() again every 100 ms or so, also when no new
  /// record comes. close() tries once more, then counts them in `dropped`. Any thread.
  virtual bool pending() const noexcept { return false; }
  /// Python's shape on stderr, at most 10 a second, the rest counted. Called inside a catch or with an error
  /// at hand. `record` may be null (a batch).
  virtual void handle_error(const LogRecord* record, const std::exception& error) noexcept;

  void set_level(Level level) noexcept { level_.store(level, std::memory_order_relaxed); }
  Level level() const noexcept { return level_.load(std::memory_order_relaxed); }
  void set_formatter(std::shared_ptr<const Formatter> formatter);  // shared: handlers often share one
  /// Null: the default one.
  std::shared_ptr<const Formatter> formatter() const;
  void set_name(std::string_view name) { name_ = name; }
  const std::string& name() const noexcept { return name_; }
  const HandlerCounters& counters() const noexcept { return counters_; }
  /// The class's name as Python has it: "RotatingFileHandler".
  virtual std::string_view class_name() const noexcept { return "Handler"; }

 protected:
  /// Does the work, with the handler's lock held. May throw.
  virtual void emit(const LogRecord& record) = 0;
  /// Appends the formatted record with this handler's formatter (the message alone without one).
  void format(const LogRecord& record, std::string& out) const;
  std::recursive_mutex& lock() noexcept { return lock_; }
  /// One more has been emitted. With the lock held: a plain add, no locked instruction.
  void count_record() noexcept {
    counters_.records.store(counters_.records.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  HandlerCounters& mutable_counters() noexcept { return counters_; }

 private:
  mutable std::recursive_mutex lock_;
  std::atomic<Level> level_{Level::kNotSet};  // read by loggers on any thread
  std::shared_ptr<const Formatter> formatter_;
  std::string name_;
  HandlerCounters counters_;
};

}  // namespace abi1
}  // namespace logbus
