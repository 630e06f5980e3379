// SPDX-License-Identifier: MIT
#include <logbus/connection_handler.h>

#include <cerrno>
#include <string>
#include <utility>

#include "net/stream_delivery.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

// A batch is sent before it outgrows this: larger writes gain nothing.
constexpr std::size_t kBatchBytes = 64U << 10;

net::Backoff::Settings backoff(double start, double factor, double most) {
  using Seconds = net::Backoff::Seconds;
  return {.start = Seconds(start), .factor = factor, .most = Seconds(most)};
}

}  // namespace

ConnectionHandler::ConnectionHandler(const DeliveryOptions& options, Frames frames)
    : options_(options), timeout_(options.timeout), deliver_at_(kBatchBytes) {
  const net::StreamDelivery::Settings settings{
      .timeout = options.timeout,
      .backoff = backoff(options.retry_start, options.retry_factor, options.retry_max),
      .backlog = options.backlog,
      .strict = options.compatibility.strict,
      .datagrams = frames == Frames::kDatagrams};
  delivery_ = std::make_unique<net::StreamDelivery>(settings, [this] { return make_connection(); });
}

ConnectionHandler::~ConnectionHandler() = default;

void ConnectionHandler::connection_failed(const Error& error) {
  handle_error(nullptr, error);
}

void ConnectionHandler::send_frame(std::string_view frame) {
  bool taken = delivery_->put(frame);
  if (!taken && !(deferred_ && overflowing_)) {
    deliver();  // which may make room
    taken = delivery_->put(frame);
  }
  if (!taken) {
    count_dropped(DropReason::kBacklogFull);
    if (!std::exchange(overflowing_, true) && !std::exchange(told_overflow_, true))
      handle_error(nullptr, Error("the server takes no more, and the backlog is full: records are lost"));
    return;
  }
  overflowing_ = false;
  if (!deferred_ || options_.compatibility.strict || delivery_->unsent_bytes() >= deliver_at_) {
    deliver();
  } else {
    publish_backlog();
  }
}

void ConnectionHandler::limit_timeout() noexcept {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = end_.load(std::memory_order_relaxed);
  if (end == Clock::time_point::max()) return;
  options_.timeout = net::time_left(timeout_, Clock::now(), end);
  delivery_->set_timeout(options_.timeout);
}

void ConnectionHandler::deliver() {
  limit_timeout();
  account(delivery_->deliver(), DropReason::kError);
  const std::size_t left = delivery_->unsent_bytes();
  deliver_at_ = left + kBatchBytes;
  if (left == 0) told_overflow_ = false;
}

// Half of it is left for a record that is large.
void ConnectionHandler::publish_backlog() noexcept {
  set_waiting(delivery_->outbox().frames());
  has_room_.store(delivery_->unsent_bytes() <= options_.backlog / 2, std::memory_order_relaxed);
}

void ConnectionHandler::account(const net::DeliveryReport& report, DropReason reason) {
  publish_backlog();
  mutable_counters().bytes.fetch_add(report.sent_bytes, std::memory_order_relaxed);
  if (report.repeated > 0) count_retry(report.repeated);
  if (report.dropped > 0) count_dropped(reason, report.dropped);
  if (report.too_large > 0) {
    count_dropped(DropReason::kTooLarge, report.too_large);
    if (!std::exchange(told_size_, true))
      handle_error(nullptr, Error(EMSGSIZE, "a record is too large for a datagram; others won't be told"));
  }
  if (report.failure) connection_failed(*report.failure);
}

void ConnectionHandler::flush() {
  const std::lock_guard guard(lock());
  deliver();
}

void ConnectionHandler::end_batch() {
  flush();
}

void ConnectionHandler::defer_flush(bool deferred) {
  const std::lock_guard guard(lock());
  deferred_ = deferred;
  if (!deferred) deliver();
}

void ConnectionHandler::close() {
  const std::lock_guard guard(lock());
  limit_timeout();
  const net::DeliveryReport report = delivery_->finish(options_.timeout);
  account(report, DropReason::kShutdown);
  if (report.dropped > 0)
    handle_error(nullptr,
                 Error(std::to_string(report.dropped) + " records could not be sent before the end"));
}

void ConnectionHandler::disconnect() noexcept {
  count_retry(delivery_->disconnect());
}

void ConnectionHandler::set_frames(Frames frames) noexcept {
  delivery_->set_datagrams(frames == Frames::kDatagrams);
}

void ConnectionHandler::set_retry(double start, double factor, double most) {
  delivery_->set_backoff(backoff(start, factor, most));
}

}  // namespace abi1
}  // namespace logbus
