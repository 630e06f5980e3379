// SPDX-License-Identifier: MIT
#include "net/stream_delivery.h"

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

namespace logbus::net {
namespace {

using std::chrono::milliseconds;

// Nobody tells when an acknowledgement comes.
constexpr milliseconds kLook{2};

void add(const DeliveryReport& part, DeliveryReport& sum) {
  if (part.failure) sum.failure = part.failure;
  sum.sent_bytes += part.sent_bytes;
  sum.repeated += part.repeated;
  sum.dropped += part.dropped;
  sum.too_large += part.too_large;
}

}  // namespace

StreamDelivery::StreamDelivery(const Settings& settings, std::function<std::unique_ptr<Connection>()> connect,
                               std::function<Clock::time_point()> now)
    : settings_(settings),
      connect_(std::move(connect)),
      now_(std::move(now)),
      backoff_(settings.backoff),
      outbox_(settings.backlog) {}

DeliveryReport StreamDelivery::deliver() {
  DeliveryReport report;
  if (outbox_.empty()) return report;
  const bool was_connected = connected();
  try_once(report);
  // What broke is replaced at once: the server may have been restarted meanwhile. Python does so with
  // datagrams.
  if (was_connected && !connected() && (!settings_.strict || settings_.datagrams)) try_once(report);
  if (settings_.strict) forget_all(report);
  return report;
}

void StreamDelivery::try_once(DeliveryReport& report) {
  try {
    if (connection_ == nullptr && !connect()) return;
    if (!settings_.strict) check();
    send_all(report);
  } catch (const std::exception& error) {
    report.failure = Error(error.what());
    // A connection that has taken nothing is as good as none: the next one is waited for. Python doesn't.
    const bool is_in_vain = !connected() || !(progressed_ || settings_.strict);
    if (is_in_vain) backoff_.failed(now_());
    report.repeated += disconnect();
  }
}

// A process that closes a connection has read all that its kernel has acknowledged; else its kernel resets
// it.
void StreamDelivery::check() {
  try {
    connection_->check();
  } catch (const Error& error) {
    if (error.code() == 0) (void)outbox_.acknowledge(connection_->unacknowledged());
    throw;
  }
}

// False: it is too early for another try.
bool StreamDelivery::connect() {
  if (!backoff_.is_due(now_())) return false;
  connection_ = connect_();
  progressed_ = false;
  if (settings_.strict) backoff_.succeeded();
  return true;
}

void StreamDelivery::send_all(DeliveryReport& report) {
  const bool progress = settings_.datagrams ? send_datagrams(report) : send_stream(report);
  if (progress && !std::exchange(progressed_, true)) backoff_.succeeded();
}

// A server for which the time was too short is not waited for again until it has caught up.
milliseconds StreamDelivery::wait_for_room() const noexcept {
  return stalled_ ? milliseconds::zero() : settings_.timeout;
}

bool StreamDelivery::send_stream(DeliveryReport& report) {
  const std::string_view bytes = outbox_.unsent();
  const std::size_t taken = connection_->send(bytes, wait_for_room());
  stalled_ = taken < bytes.size();
  outbox_.mark_sent(taken);
  report.sent_bytes += taken;
  if (stalled_) check();  // it may have broken in the middle: what it had taken counts as sent
  return outbox_.acknowledge(connection_->unacknowledged()) > 0;
}

bool StreamDelivery::send_datagrams(DeliveryReport& report) {
  bool progress = false;
  const auto end = Clock::now() + wait_for_room();  // for all of them
  for (auto frame = outbox_.next_frame(); !frame.empty(); frame = outbox_.next_frame()) {
    try {
      std::size_t taken = connection_->send(frame, milliseconds::zero());
      if (taken == 0 && !stalled_)
        taken = connection_->send(frame, std::chrono::ceil<milliseconds>(end - Clock::now()));
      if (taken == 0) {
        stalled_ = true;
        return progress;
      }
      report.sent_bytes += taken;
    } catch (const Error& error) {
      if (error.code() != EMSGSIZE) throw;
      ++report.too_large;
    }
    outbox_.mark_sent(frame.size());
    progress = outbox_.acknowledge(0) > 0;
  }
  stalled_ = false;
  return progress;
}

// Python's sendall() gives up in the middle of a record and closes.
void StreamDelivery::forget_all(DeliveryReport& report) {
  const std::size_t unsent = outbox_.unsent_frames();
  if (unsent > 0) (void)disconnect();
  (void)outbox_.clear();
  report.dropped += unsent;
}

std::size_t StreamDelivery::disconnect() noexcept {
  connection_.reset();
  stalled_ = false;
  return outbox_.rewind();
}

DeliveryReport StreamDelivery::finish(milliseconds timeout) {
  const auto end = Clock::now() + timeout;
  backoff_.succeeded();  // the last try doesn't wait for its time
  DeliveryReport report = deliver();
  while (connected() && !outbox_.empty() && Clock::now() < end) {
    std::this_thread::sleep_for(kLook);
    add(deliver(), report);
  }
  report.dropped += outbox_.unsent_frames();
  (void)outbox_.clear();  // what is on its way is the kernel's
  (void)disconnect();
  return report;
}

}  // namespace logbus::net
