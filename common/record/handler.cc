// SPDX-License-Identifier: MIT
// Handler: filtering, locking, and telling about errors on stderr without ever blocking there.
#include <logbus/handler.h>

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

#include <logbus/error.h>

#include "record/record_attribute.h"
#include "record/value_text.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

// Of all handlers together: a full disk makes every record of every file an error.
class ErrorReports {
 public:
  static constexpr int kPerSecond = 10;

  void suppress(std::uint64_t errors) {
    const std::lock_guard guard(mutex_);
    suppressed_ += errors;
  }

  void write(const LogRecord* record, const std::exception& error) {
    const std::lock_guard guard(mutex_);
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec != second_) {
      second_ = now.tv_sec;
      written_ = 0;
    }
    if (written_ >= kPerSecond || !can_write()) {
      ++suppressed_;
      return;
    }
    ++written_;
    text_.clear();
    if (suppressed_ != 0) text_ += "--- " + std::to_string(suppressed_) + " logging errors not shown ---\n";
    append_report(record, error);
    const ssize_t length = ::write(STDERR_FILENO, text_.data(), text_.size());
    suppressed_ = length > 0 ? 0 : suppressed_ + 1;
  }

 private:
  // stderr may be closed, or a pipe that nobody empties: waiting there would stop the whole sidecar.
  static bool can_write() noexcept {
    pollfd stderr_poll{STDERR_FILENO, POLLOUT, 0};
    return ::poll(&stderr_poll, 1, 0) == 1 && (stderr_poll.revents & POLLOUT) != 0;
  }

  // Shape of logging.Handler.handleError.
  void append_report(const LogRecord* record, const std::exception& error) {
    text_ += "--- Logging error ---\n";
    text_ += error.what();
    text_ += '\n';
    if (record == nullptr) return;
    text_ += "Message: ";
    record::append_repr(record->msg, text_);
    text_ += "\nArguments: ";
    record::append_attribute(*record, record::Attribute::kArgs, text_);
    text_ += '\n';
  }

  std::mutex mutex_;
  std::string text_;
  time_t second_ = 0;
  int written_ = 0;
  std::uint64_t suppressed_ = 0;
};

// Never destroyed: handlers of static storage report from their destructors.
ErrorReports& error_reports() {
  static auto* reports = new ErrorReports;
  return *reports;
}

}  // namespace

std::string_view drop_reason_name(DropReason reason) noexcept {
  constexpr std::array<std::string_view, kDropReasonCount> kNames = {
      "error", "queue_full", "backlog_full", "too_large", "refused", "shutdown"};
  const auto index = static_cast<std::size_t>(reason);
  return index < kNames.size() ? kNames[index] : "unknown";
}

bool Handler::handle(const LogRecord& record) noexcept {
  try {
    if (!has_filters()) {
      const std::lock_guard guard(lock_);
      emit(record);
      count_record();
      return true;
    }
    LogRecord changeable = record;  // a filter may change it, for this handler only
    if (!filter(changeable)) return false;
    const std::lock_guard guard(lock_);
    emit(changeable);
    count_record();
  } catch (const std::exception& error) {
    count_lost(DropReason::kError);
    handle_error(&record, error);
  } catch (...) {
    count_lost(DropReason::kError);
    handle_error(&record, std::runtime_error("an exception of an unknown type"));
  }
  return true;
}

void Handler::count_lost(DropReason reason, std::uint64_t records) noexcept {
  counters_.dropped_for[static_cast<std::size_t>(reason)].fetch_add(records, std::memory_order_relaxed);
  counters_.dropped.fetch_add(records, std::memory_order_relaxed);
}

void Handler::count_dropped(DropReason reason, std::uint64_t records) noexcept {
  counters_.records.fetch_sub(records, std::memory_order_relaxed);  // handle() counts, or has counted, them
  count_lost(reason, records);
}

void Handler::handle_error(const LogRecord* record, const std::exception& error) noexcept {
  counters_.errors.fetch_add(1, std::memory_order_relaxed);
  remember(error);
  try {
    error_reports().write(record, error);
  } catch (...) {  // no memory for the report: the counter has it
  }
}

void Handler::count_untold_errors(std::uint64_t errors) noexcept {
  counters_.errors.fetch_add(errors, std::memory_order_relaxed);
  error_reports().suppress(errors);
}

bool Handler::is_at_work() const noexcept {
  return !std::unique_lock(lock_, std::try_to_lock).owns_lock();
}

void Handler::remember(const std::exception& error) noexcept {
  const std::string_view text = error.what();
  std::size_t size = std::min(text.size(), HandlerError::kMostBytes);
  // Where a character goes on, the cut would be within it.
  while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  const std::lock_guard guard(error_lock_);
  error_size_ = text.copy(error_text_.data(), size);
  error_time_ns_ = std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

HandlerError Handler::last_error() const {
  HandlerError error;
  error.text.reserve(HandlerError::kMostBytes);
  const std::lock_guard guard(error_lock_);
  error.text.assign(error_text_.data(), error_size_);
  error.time_ns = error_time_ns_;
  return error;
}

void Handler::set_formatter(std::shared_ptr<const Formatter> formatter) {
  const std::lock_guard guard(lock_);
  formatter_ = std::move(formatter);
}

void Handler::emit_text(const LogRecord&, std::string_view) {
  throw Error("this handler takes no texts");
}

std::shared_ptr<const Formatter> Handler::formatter() const {
  const std::lock_guard guard(lock_);
  return formatter_;
}

void Handler::format(const LogRecord& record, std::string& out) const {
  static const auto* plain = new Formatter;  // never destroyed, as above
  (formatter_ != nullptr ? *formatter_ : *plain).format(record, out);
}

}  // namespace abi1
}  // namespace logbus
