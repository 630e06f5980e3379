// SPDX-License-Identifier: MIT
#include <logbus/queue_listener.h>

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include <logbus/error.h>

namespace logbus {
inline namespace abi1 {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

// A flush is a write(2) for each handler, and read positions move after it. This many records of some 100
// bytes make it a write of 400 KiB, beyond which larger ones gain nothing; it is also what a killed sidecar
// may repeat.
constexpr std::size_t kBatchRecords = 4096;
// With slow handlers a batch ends sooner: nobody who follows a file waits longer than this for a line behind
// them.
constexpr auto kBatchTime = 5ms;
// interrupt() ends the wait. This bounds it for a queue that has none.
constexpr auto kWait = 250ms;
// How often handlers that keep something for a later try are asked to.
constexpr auto kRetryInterval = 100ms;

// For a failure that no handler has taken: the last resort, and it must not fail itself.
void report(const char* what) noexcept {
  char line[512];
  const int length = std::snprintf(line, sizeof line, "--- Logging error ---\nQueueListener: %.400s\n", what);
  if (length > 0) [[maybe_unused]]
    const ssize_t ignored = ::write(STDERR_FILENO, line, static_cast<std::size_t>(length));
}

}  // namespace

QueueListener::QueueListener(Queue& queue, std::vector<std::shared_ptr<Handler>> handlers,
                             bool respect_handler_level)
    : queue_(queue), handlers_(std::move(handlers)), respect_handler_level_(respect_handler_level) {}

QueueListener::~QueueListener() {
  try {
    stop();
  } catch (const std::exception& error) {
    report(error.what());
  }
}

void QueueListener::start() {
  if (thread_.joinable()) throw Error("Listener already started");
  stopping_.store(false, std::memory_order_relaxed);  // the thread starts after these
  abandoned_.store(false, std::memory_order_relaxed);
  lingers_.store(false, std::memory_order_relaxed);
  running_.store(true, std::memory_order_relaxed);
  failure_ = nullptr;
  thread_ = std::thread([this] { run(); });
}

void QueueListener::stop() {
  if (!thread_.joinable()) return;
  enqueue_sentinel();
  join();
}

bool QueueListener::stop(std::chrono::milliseconds timeout) {
  if (!thread_.joinable()) return true;
  begin_stop();
  const bool done = wait_stopped(timeout);
  abandon();
  join();
  return done;
}

void QueueListener::begin_stop() {
  lingers_.store(true, std::memory_order_relaxed);  // enqueue_sentinel() releases it
  enqueue_sentinel();
}

bool QueueListener::wait_stopped(std::chrono::milliseconds timeout) {
  std::unique_lock lock(ended_lock_);
  return ended_.wait_for(lock, timeout, [this] { return !running(); });
}

void QueueListener::abandon() {
  {
    const std::lock_guard lock(ended_lock_);  // it sees it, or has begun to rest
    abandoned_.store(true, std::memory_order_release);
  }
  ended_.notify_all();
  queue_.interrupt();
}

void QueueListener::join() {
  thread_.join();
  if (failure_ != nullptr) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void QueueListener::enqueue_sentinel() {
  stopping_.store(true, std::memory_order_release);
  queue_.interrupt();
}

bool QueueListener::dequeue(LogRecord& record, std::chrono::milliseconds timeout) {
  return queue_.get(record, timeout);
}

void QueueListener::prepare(LogRecord&) {}

void QueueListener::handle(LogRecord& record) {
  for (const std::shared_ptr<Handler>& handler : handlers_) {
    if (!respect_handler_level_ || record.levelno >= static_cast<int>(handler->level()))
      handler->handle(record);
  }
}

bool QueueListener::handle_next(LogRecord& record, std::chrono::milliseconds timeout) {
  if (!dequeue(record, timeout)) return false;
  handle_safely(record);
  return true;
}

void QueueListener::handle_safely(LogRecord& record) noexcept {
  try {
    prepare(record);
    handle(record);
  } catch (const std::exception& error) {
    report(error.what());
  } catch (...) {
    report("unknown exception");
  }
}

void QueueListener::run() noexcept {
  defer_flush(true);
  try {
    LogRecord record;
    bool last = false;
    bool lingers = false;
    std::size_t left = Queue::kUnknownSize;  // before the sentinel
    for (;;) {
      // Before the batch: what was queued before the sentinel is then in this batch or a later one. What a
      // queue can't count is drained until it is empty.
      if (!last && stopping()) {
        last = true;
        lingers = lingers_.load(std::memory_order_relaxed);
        left = queue_.size();
      }
      // What does not go on behind the queue is to fill the queue, which is bounded and counts. Who stops
      // without a limit does not wait for that.
      const bool stuck = !has_room() && (!last || lingers);
      const std::size_t handled = stuck ? 0 : handle_batch(record, std::min(left, kBatchRecords));
      if (handled > 0) {
        if (flush_handlers()) queue_.task_done();
      } else if (stuck || has_pending()) {
        flush_handlers();  // also when no record comes that would do it
      }
      if (left != Queue::kUnknownSize) left -= handled;
      if (abandoned()) break;
      if (stuck) {
        if (!has_room()) rest();
      } else if (last && (handled == 0 || left == 0)) {
        break;
      }
    }
    while (lingers && !abandoned() && has_pending()) {
      flush_handlers();
      if (has_pending()) rest();
    }
  } catch (...) {  // the queue's: without it there is nothing to go on with
    failure_ = std::current_exception();
    flush_handlers();
  }
  defer_flush(false);
  const std::lock_guard lock(ended_lock_);
  running_.store(false, std::memory_order_release);
  ended_.notify_all();
}

std::size_t QueueListener::handle_batch(LogRecord& record, std::size_t most) {
  const std::size_t interval = clock_interval();
  std::size_t handled = 0;
  std::size_t looked = 0;  // at the clock, after so many
  const std::chrono::milliseconds longest = has_pending() ? kRetryInterval : kWait;
  Clock::time_point end;
  while (handled < most) {
    const bool wait = handled == 0 && !stopping();
    if (!handle_next(record, wait ? longest : 0ms)) break;
    ++handled;
    if (handled == 1) {
      end = Clock::now() + kBatchTime;
    } else if (handled - looked >= interval) {
      looked = handled;
      if (Clock::now() >= end || !has_room()) break;
    }
    if (abandoned()) break;
  }
  return handled;
}

void QueueListener::end_batch(Handler& handler) noexcept {
  try {
    handler.end_batch();
  } catch (const std::exception& error) {
    handler.handle_error(nullptr, error);
  } catch (...) {
    report("unknown exception in end_batch()");
  }
}

bool QueueListener::flush_handlers() noexcept {
  for (const std::shared_ptr<Handler>& handler : handlers_) end_batch(*handler);
  return true;
}

bool QueueListener::has_pending() const noexcept {
  return std::any_of(handlers_.begin(), handlers_.end(),
                     [](const std::shared_ptr<Handler>& handler) { return handler->pending(); });
}

bool QueueListener::has_room() const noexcept {
  return std::all_of(handlers_.begin(), handlers_.end(),
                     [](const std::shared_ptr<Handler>& handler) { return handler->has_room(); });
}

// Until the handlers are asked again.
void QueueListener::rest() {
  std::unique_lock lock(ended_lock_);
  ended_.wait_for(lock, kRetryInterval, [this] { return abandoned(); });
}

void QueueListener::defer_flush(bool deferred) noexcept {
  for (const std::shared_ptr<Handler>& handler : handlers_) {
    try {
      handler->defer_flush(deferred);
    } catch (const std::exception& error) {
      handler->handle_error(nullptr, error);
    }
  }
}

}  // namespace abi1
}  // namespace logbus
