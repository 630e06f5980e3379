// SPDX-License-Identifier: MIT
// Frames to one server over a Connection that may break and come back.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include <logbus/connection.h>
#include <logbus/error.h>

#include "net/backoff.h"
#include "net/outbox.h"

namespace logbus::net {

/// What one try has come to.
struct DeliveryReport {
  std::optional<Error> failure;  // no connection, or it broke
  std::size_t sent_bytes = 0;
  std::size_t repeated = 0;   // frames that go again because the connection broke
  std::size_t dropped = 0;    // frames: with `strict`, or at the end
  std::size_t too_large = 0;  // frames that no datagram can hold: dropped
};

/// Connects when there is something to send, and again, later after each failure, when the connection broke.
/// Frames that the other side's kernel has not acknowledged go again. What it has and its process never reads
/// is lost: no sender can know. With `strict` none goes again, as in Python. One thread at a time.
class StreamDelivery {
 public:
  using Clock = std::chrono::steady_clock;

  struct Settings {
    std::chrono::milliseconds timeout{1000};  // of one wait for room
    Backoff::Settings backoff = {};
    std::size_t backlog = 1U << 20;  // bytes that may wait
    bool strict = false;
    bool datagrams = false;  // each frame is sent by itself, and has arrived when it is sent
  };

  /// `connect` gives a connection or throws; `now`: a clock for tests.
  StreamDelivery(const Settings& settings, std::function<std::unique_ptr<Connection>()> connect,
                 std::function<Clock::time_point()> now = Clock::now);

  /// False: there is no room for it, and it is not taken.
  [[nodiscard]] bool put(std::string_view frame) { return outbox_.put(frame); }
  /// Sends what waits. It waits for a connection that is due, and for room up to the timeout; a server that
  /// has let it wait that long is not waited for again until it has taken all that waits.
  DeliveryReport deliver();
  /// For the end: the same until all has arrived, the server is found gone, or `timeout` has passed; then
  /// disconnects. Frames that are not wholly sent by then are dropped.
  DeliveryReport finish(std::chrono::milliseconds timeout);
  /// Closes the connection. What was not acknowledged waits. Gives how many frames have been sent in vain.
  std::size_t disconnect() noexcept;

  bool connected() const noexcept { return connection_ != nullptr; }
  /// Bytes that wait; what is on its way is not counted.
  std::size_t unsent_bytes() const noexcept { return outbox_.unsent().size(); }
  Outbox& outbox() noexcept { return outbox_; }
  const Outbox& outbox() const noexcept { return outbox_; }
  /// For `connect`: what the connection that it gives takes.
  void set_datagrams(bool datagrams) noexcept { settings_.datagrams = datagrams; }
  void set_timeout(std::chrono::milliseconds timeout) noexcept { settings_.timeout = timeout; }
  void set_backoff(const Backoff::Settings& settings) noexcept { backoff_ = Backoff(settings); }

 private:
  void try_once(DeliveryReport& report);
  bool connect();
  void check();
  void send_all(DeliveryReport& report);
  bool send_stream(DeliveryReport& report);
  bool send_datagrams(DeliveryReport& report);
  std::chrono::milliseconds wait_for_room() const noexcept;
  void forget_all(DeliveryReport& report);

  Settings settings_;
  std::function<std::unique_ptr<Connection>()> connect_;
  std::function<Clock::time_point()> now_;
  Backoff backoff_;
  Outbox outbox_;
  std::unique_ptr<Connection> connection_;
  bool stalled_ = false;     // the last wait for room was in vain
  bool progressed_ = false;  // this connection has taken something
};

}  // namespace logbus::net
