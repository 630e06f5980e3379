// SPDX-License-Identifier: MIT
// QueueHandler.
#include <logbus/queue_handler.h>

#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>
#include <typeinfo>
#include <utility>

#include <logbus/error.h>
#include <logbus/formatter.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

// Python's queue.Full.
class QueueFull : public Error {
 public:
  QueueFull() : Error("the queue is full") {}
};

// To throw and to tell takes a hundred times as long as to count.
constexpr std::int64_t kTellIntervalMs = 100;

// Of a clock that costs no more than a load or two.
std::int64_t coarse_ms() noexcept {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

// What is in the text afterwards.
constexpr std::array<std::string_view, 5> kFolded = {"msg", "args", "exc_info", "exc_text", "stack_info"};

}  // namespace

QueueHandler::QueueHandler(std::shared_ptr<Queue> queue, Prepare prepare,
                           std::chrono::milliseconds block_timeout)
    : queue_(std::move(queue)),
      prepare_(prepare),
      block_timeout_(block_timeout),
      log_queue_(block_timeout > std::chrono::milliseconds::zero()
                     ? nullptr
                     : dynamic_cast<const LogQueue*>(queue_.get())) {
  if (queue_ == nullptr) throw Error(EINVAL, "a QueueHandler needs a queue");
}

void QueueHandler::prepare(LogRecord& record) const {
  if (prepare_ == Prepare::kLogbus) return;
  static const auto* plain = new Formatter;  // never destroyed: static destructors log too
  const std::shared_ptr<const Formatter> own = formatter();
  std::string text = (own != nullptr ? *own : *plain).format(record);
  record.msg = std::move(text);
  record.style = MessageStyle::kVerbatim;
  record.args = None();
  record.exc_text.clear();
  record.stack_info.clear();
  std::erase_if(record.overrides, [](const auto& given) {
    return std::find(kFolded.begin(), kFolded.end(), given.first) != kFolded.end();
  });
}

void QueueHandler::enqueue(const LogRecord& record) {
  if (!queue_->put(record, block_timeout_)) throw QueueFull();
}

bool QueueHandler::handle(const LogRecord& record) noexcept {
  if (refuses_all() && coarse_ms() < tell_at_ms_.load(std::memory_order_relaxed)) {
    count_refused(1);
    return true;
  }
  try {
    if (has_filters()) {
      LogRecord changeable = record;
      if (!filter(changeable)) return false;
      emit(changeable);
    } else {
      emit(record);
    }
    mutable_counters().records.fetch_add(1, std::memory_order_relaxed);
  } catch (const QueueFull& full) {
    tell_at_ms_.store(coarse_ms() + kTellIntervalMs, std::memory_order_relaxed);
    count_lost(DropReason::kQueueFull);
    handle_error(&record, full);
  } catch (const std::exception& error) {
    count_lost(DropReason::kError);
    handle_error(&record, error);
  } catch (...) {
    count_lost(DropReason::kError);
    handle_error(&record, Error("an exception of an unknown type"));
  }
  return true;
}

void QueueHandler::count_refused(std::uint64_t records) noexcept {
  count_lost(DropReason::kQueueFull, records);
  count_untold_errors(records);
}

void QueueHandler::emit(const LogRecord& record) {
  // Nothing would change: the queue's own copy is the only one.
  if (prepare_ == Prepare::kLogbus && typeid(*this) == typeid(QueueHandler)) return enqueue(record);
  LogRecord prepared = record;
  prepare(prepared);
  enqueue(prepared);
}

}  // namespace abi1
}  // namespace logbus
