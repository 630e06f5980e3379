// SPDX-License-Identifier: MIT
// RequestHandler: what waits, when it is tried again, and what becomes of it.
#include <logbus/request_handler.h>

#include <algorithm>
#include <exception>
#include <utility>

#include <logbus/error.h>

#include "net/backoff.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

using Outcome = RequestResult::Outcome;

// With deferred flushing, records that go one by one are sent when so many bytes of them wait.
constexpr std::size_t kBytesTogether = 64 * 1024;

std::string records_text(std::size_t count) {
  return std::to_string(count) + (count == 1 ? " record" : " records");
}

}  // namespace

struct RequestHandler::Waiting {
  explicit Waiting(const RequestOptions& options)
      : backoff({.start = net::Backoff::Seconds(options.retry_start),
                 .factor = options.retry_factor,
                 .most = net::Backoff::Seconds(options.retry_max)}) {}

  std::deque<std::string> payloads;
  std::size_t bytes = 0;
  net::Backoff backoff;
  unsigned put_off = 0;    // how often the first of them have been
  bool failed = false;     // the last try
  bool told_full = false;  // since the last time that there was room
  bool at_work = false;    // a try may log, here too
};

RequestHandler::RequestHandler(const RequestOptions& options, std::size_t most_together)
    : options_(options),
      most_together_(std::max<std::size_t>(most_together, 1)),
      waiting_(std::make_unique<Waiting>(options)) {}

RequestHandler::~RequestHandler() = default;

void RequestHandler::close_finally() noexcept {
  try {
    RequestHandler::close();
  } catch (const std::exception& error) {
    handle_error(nullptr, error);
  }
}

std::size_t RequestHandler::count_together(const std::deque<std::string>& waiting) const {
  return std::min(waiting.size(), most_together_);
}

void RequestHandler::emit(const LogRecord& record) {
  struct Emitting {
    const LogRecord*& record;
    ~Emitting() { record = nullptr; }
  } emitting{emitting_};
  std::string payload = make_payload(record);
  emitting_ = &record;
  const Clock::time_point begin = now();
  put(std::move(payload), begin);
  const Waiting& waiting = *waiting_;
  const bool one_by_one = most_together_ == 1;
  const bool enough = one_by_one
                          ? !deferred_ || options_.compatibility.strict || waiting.bytes >= kBytesTogether
                          : waiting.payloads.size() >= most_together_;
  if (enough) deliver_waiting(begin);
}

void RequestHandler::put(std::string payload, Clock::time_point begin) {
  Waiting& waiting = *waiting_;
  if (waiting.bytes >= options_.backlog) deliver_waiting(begin);
  if (waiting.bytes >= options_.backlog) {
    count_dropped(DropReason::kBacklogFull);
    if (!std::exchange(waiting.told_full, true))
      handle_error(emitting_, Error("no room for more records that wait to be delivered"));
    return;
  }
  waiting.told_full = false;
  waiting.bytes += payload.size();
  waiting.payloads.push_back(std::move(payload));
  count_waiting();
}

void RequestHandler::end_batch() {
  const std::lock_guard guard(lock());
  deliver_waiting(now());
}

void RequestHandler::defer_flush(bool deferred) {
  const std::lock_guard guard(lock());
  deferred_ = deferred;
  if (!deferred && most_together_ == 1) end_batch();
}

void RequestHandler::close() {
  const std::lock_guard guard(lock());
  deliver_waiting(now(), true);
  if (const std::size_t left = waiting_->payloads.size(); left != 0) {
    drop(DropReason::kShutdown, left);
    handle_error(nullptr, Error(records_text(left) + " could not be delivered before the end"));
  }
  disconnect();
}

// All of it since `begin`: the first try has all the time, the ones behind it what is left; but none begins
// late, since a try that is cut short may have been a success that nobody hears of.
void RequestHandler::deliver_waiting(Clock::time_point begin, bool at_once) {
  if (waiting_->payloads.empty() || waiting_->at_work) return;
  struct AtWork {
    bool& flag;
    ~AtWork() { flag = false; }
  } at_work{waiting_->at_work};
  waiting_->at_work = true;
  const auto timeout = net::time_left(options_.timeout, begin, end_.load(std::memory_order_relaxed));
  Clock::duration spent = now() - begin;
  bool tried = false;
  while (!waiting_->payloads.empty() && (at_once || waiting_->backoff.is_due(begin + spent)) &&
         spent < timeout / 2) {
    tried = true;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(timeout - spent);
    if (!deliver_next(left)) break;
    spent = now() - begin;
  }
  if (tried && waiting_->payloads.empty()) disconnect();
}

// False: not now.
bool RequestHandler::deliver_next(std::chrono::milliseconds timeout) {
  Waiting& waiting = *waiting_;
  const std::size_t count = std::clamp<std::size_t>(count_together(waiting.payloads), 1, most_together_);
  if (std::exchange(waiting.failed, false)) count_retry(count);
  const RequestResult result = try_once(count, timeout);
  if (result.outcome != Outcome::kDelivered && !has_failed(result, count)) return false;
  if (result.outcome == Outcome::kDelivered) forget(count);
  waiting.put_off = 0;
  waiting.backoff.succeeded();
  return true;
}

RequestResult RequestHandler::try_once(std::size_t count, std::chrono::milliseconds timeout) noexcept {
  try {
    return deliver(waiting_->payloads, count, timeout);
  } catch (const std::exception& error) {
    return {.outcome = Outcome::kUnanswered, .reason = error.what()};
  } catch (...) {
    return {.outcome = Outcome::kUnanswered, .reason = "an exception of an unknown type"};
  }
}

// False: they wait.
bool RequestHandler::has_failed(const RequestResult& result, std::size_t count) {
  Waiting& waiting = *waiting_;
  const bool waits = result.outcome == Outcome::kUnanswered ||
                     (result.outcome == Outcome::kPutOff && ++waiting.put_off <= options_.retries);
  std::string sentence = result.reason;
  if (options_.compatibility.strict) {
    drop(DropReason::kError, count);
  } else if (waits) {
    waiting.failed = true;
    waiting.backoff.failed(now(), std::min(result.wait, kMostWait));
  } else {
    if (count > 1) sentence += " (" + records_text(count) + ")";
    drop(result.outcome == Outcome::kTooLarge ? DropReason::kTooLarge : DropReason::kRefused, count);
  }
  handle_error(emitting_, Error(sentence));
  return options_.compatibility.strict || !waits;
}

void RequestHandler::forget(std::size_t count) {
  Waiting& waiting = *waiting_;
  std::size_t bytes = 0;
  for (std::size_t index = 0; index < count; ++index) bytes += waiting.payloads[index].size();
  const auto end = waiting.payloads.begin() + static_cast<std::ptrdiff_t>(count);
  waiting.payloads.erase(waiting.payloads.begin(), end);
  waiting.bytes -= bytes;
  count_waiting();
  mutable_counters().bytes.fetch_add(bytes, std::memory_order_relaxed);
}

void RequestHandler::drop(DropReason reason, std::size_t count) {
  const std::uint64_t bytes = mutable_counters().bytes.load(std::memory_order_relaxed);
  forget(count);
  mutable_counters().bytes.store(bytes, std::memory_order_relaxed);
  count_dropped(reason, count);
}

void RequestHandler::count_waiting() noexcept {
  set_waiting(waiting_->payloads.size());
  has_room_.store(waiting_->bytes <= options_.backlog / 2, std::memory_order_relaxed);
}

}  // namespace abi1
}  // namespace logbus
