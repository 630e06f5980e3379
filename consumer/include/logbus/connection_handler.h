// SPDX-License-Identifier: MIT
// What the handlers have in common that send their records to one server.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include <logbus/compatibility.h>
#include <logbus/connection.h>
#include <logbus/detail/abi.h>
#include <logbus/error.h>
#include <logbus/handler.h>

namespace logbus {
namespace net {
class StreamDelivery;
struct DeliveryReport;
}  // namespace net
inline namespace abi1 LOGBUS_ABI {

/// What becomes of records while their server is away.
struct DeliveryOptions {
  /// The longest that a record waits for a connection, and once more for room in it.
  std::chrono::milliseconds timeout{1000};
  /// Seconds from a failure to the next try, and how they grow from failure to failure.
  double retry_start = 1.0;
  double retry_factor = 2.0;
  double retry_max = 30.0;
  /// How many bytes of records may wait. Those that find no room are lost, and counted.
  std::size_t backlog = 1U << 20;
  /// With `strict` the record that meets a broken connection is lost, and none waits, as in Python.
  Compatibility compatibility = {};
};

/// Sends frames over a Connection, makes that anew when it breaks, and sends again what the other side's
/// kernel has not acknowledged. While the server is away, records wait, pending(): whoever drives the handler
/// calls end_batch() now and then. close() tries once more within the timeout. What gets lost is in
/// `dropped`, what is sent again in `retries`, each failure in `errors`. What the server's kernel has
/// taken and its process never reads is lost without a trace: no sender can know.
class ConnectionHandler : public Handler {
 public:
  ~ConnectionHandler() override;  // a derived class's destructor calls close()

  void flush() override;
  /// A record after it connects anew.
  void close() override;
  /// For who has little time: nothing is waited for beyond `end`, or, if that is over, for long. Any thread.
  void end_by(std::chrono::steady_clock::time_point end) noexcept { end_ = end; }
  void defer_flush(bool deferred) override;
  void end_batch() override;
  bool pending() const noexcept override { return counters().waiting.load(std::memory_order_relaxed) > 0; }
  bool has_room() const noexcept override { return has_room_.load(std::memory_order_relaxed); }

 protected:
  enum class Frames : bool { kStream, kDatagrams };
  ConnectionHandler(const DeliveryOptions& options, Frames frames);

  /// A new connection; called with the handler's lock held. May throw.
  virtual std::unique_ptr<Connection> make_connection() = 0;
  /// A connection could not be made, or broke: by default told and counted by handle_error().
  virtual void connection_failed(const Error& error);
  /// Sends the frame, or lets it wait. With the handler's lock held. Throws nothing but std::bad_alloc.
  void send_frame(std::string_view frame);
  void disconnect() noexcept;
  /// For make_connection(): what the one that it gives takes.
  void set_frames(Frames frames) noexcept;
  /// From the next failure on.
  void set_retry(double start, double factor, double most);
  const DeliveryOptions& options() const noexcept { return options_; }

 private:
  void deliver();
  void account(const net::DeliveryReport& report, DropReason reason);
  void publish_backlog() noexcept;
  void limit_timeout() noexcept;

  DeliveryOptions options_;
  const std::chrono::milliseconds timeout_;  // while no end is near
  std::unique_ptr<net::StreamDelivery> delivery_;
  std::atomic<std::chrono::steady_clock::time_point> end_{std::chrono::steady_clock::time_point::max()};
  std::atomic<bool> has_room_{true};
  bool deferred_ = false;
  std::size_t deliver_at_;      // bytes of a deferred batch; more where some are left of the one before
  bool overflowing_ = false;    // the last frame found no room
  bool told_overflow_ = false;  // since something waits
  bool told_size_ = false;      // that a frame was too large for a datagram
};

}  // namespace abi1
}  // namespace logbus
