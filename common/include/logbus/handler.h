// SPDX-License-Identifier: MIT
// Python's Handler: where a record goes.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
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
namespace consumer {
class LineWriter;
}
inline namespace abi1 LOGBUS_ABI {

/// Why a handler lost a record: an error; no room in its queue, or among what waits for a later try; too
/// large to be sent; the receiver refused it for good; nobody would have delivered it any more.
enum class DropReason : std::uint8_t { kError, kQueueFull, kBacklogFull, kTooLarge, kRefused, kShutdown };
inline constexpr std::size_t kDropReasonCount = 6;
/// "queue_full".
std::string_view drop_reason_name(DropReason reason) noexcept;

/// Counters of one handler, readable from any thread. At rest, all records that passed its level and its
/// filters are `records` and `dropped`, and what has been delivered is `records` without `waiting`.
struct HandlerCounters {
  std::atomic<std::uint64_t> records{0};  // emitted, and not lost
  std::atomic<std::uint64_t> bytes{0};    // written
  std::atomic<std::uint64_t> errors{0};   // handle_error calls
  std::atomic<std::uint64_t> dropped{0};  // records lost: the sum of dropped_for
  std::array<std::atomic<std::uint64_t>, kDropReasonCount> dropped_for{};  // by DropReason
  std::atomic<std::uint64_t> retries{0};                                   // deliveries tried again
  std::atomic<std::uint64_t> waiting{0};  // records kept for a later try, at this moment
};

/// The last error of a handler, as far as handle_error() was told.
struct HandlerError {
  static constexpr std::size_t kMostBytes = 120;
  std::string text;          // cut to so many, at the end of a character; as it came, control bytes too
  std::int64_t time_ns = 0;  // of the wall clock; 0: there was none
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
  /// False: the next record may find no room among those that wait, and be lost. Who can keep the records'
  /// source, as the listener of a queue can, gives it none until end_batch() has made room. Any thread.
  virtual bool has_room() const noexcept { return true; }
  /// Python's shape on stderr, at most 10 a second, the rest counted. Called inside a catch or with an error
  /// at hand. `record` may be null (a batch).
  virtual void handle_error(const LogRecord* record, const std::exception& error) noexcept;
  /// Whether a thread has the handler's lock at this moment: it emits, writes, or stands still.
  bool is_at_work() const noexcept;

  void set_level(Level level) noexcept { level_.store(level, std::memory_order_relaxed); }
  Level level() const noexcept { return level_.load(std::memory_order_relaxed); }
  void set_formatter(std::shared_ptr<const Formatter> formatter);  // shared: handlers often share one
  /// Null: the default one.
  std::shared_ptr<const Formatter> formatter() const;
  void set_name(std::string_view name) { name_ = name; }
  const std::string& name() const noexcept { return name_; }
  const HandlerCounters& counters() const noexcept { return counters_; }
  /// Any thread.
  HandlerError last_error() const;
  /// The class's name as Python has it: "RotatingFileHandler".
  virtual std::string_view class_name() const noexcept { return "Handler"; }

 protected:
  /// Does the work, with the handler's lock held. May throw.
  virtual void emit(const LogRecord& record) = 0;
  /// What of a record emit() looks at, where that is so little that the record need not be made: the text of
  /// the handler's formatter, or of the message alone, beside the attributes that need no arguments.
  enum class Takes : std::uint8_t { kRecord, kText, kMessage };
  /// Other than kRecord: emit() makes that text, calls emit_text() and does nothing else. Each class says so
  /// of itself alone: one that derives from it may override emit().
  virtual Takes takes() const noexcept { return Takes::kRecord; }
  /// emit() from there on. `record` lacks its arguments, and its message is not merged. If it throws, it has
  /// done nothing.
  virtual void emit_text(const LogRecord& record, std::string_view text);
  /// Appends the formatted record with this handler's formatter (the message alone without one).
  void format(const LogRecord& record, std::string& out) const;
  std::recursive_mutex& lock() const noexcept { return lock_; }
  /// One more has been emitted. With the lock held: a plain add, no locked instruction.
  void count_record() noexcept {
    counters_.records.store(counters_.records.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  /// Records are lost that emit() has taken, or is at: it is not to throw for them too, since handle() counts
  /// what is thrown as kError by itself. With the lock held.
  void count_dropped(DropReason reason, std::uint64_t records = 1) noexcept;
  /// A delivery is tried once more. Any thread.
  void count_retry(std::uint64_t deliveries = 1) noexcept {
    counters_.retries.fetch_add(deliveries, std::memory_order_relaxed);
  }
  /// How many records wait for a later try from now on.
  void set_waiting(std::uint64_t records) noexcept {
    counters_.waiting.store(records, std::memory_order_relaxed);
  }
  HandlerCounters& mutable_counters() noexcept { return counters_; }
  /// So many more errors, of which no word is said but their number. Any thread.
  void count_untold_errors(std::uint64_t errors) noexcept;
  /// Records that were never counted as emitted. Any thread.
  void count_lost(DropReason reason, std::uint64_t records = 1) noexcept;

 private:
  friend class consumer::LineWriter;

  void remember(const std::exception& error) noexcept;

  mutable std::recursive_mutex lock_;
  std::atomic<Level> level_{Level::kNotSet};  // read by loggers on any thread
  std::shared_ptr<const Formatter> formatter_;
  std::string name_;
  HandlerCounters counters_;
  mutable std::mutex error_lock_;  // of the two below alone: last_error() never waits for an emit()
  std::array<char, HandlerError::kMostBytes> error_text_{};
  std::size_t error_size_ = 0;
  std::int64_t error_time_ns_ = 0;
};

}  // namespace abi1
}  // namespace logbus
