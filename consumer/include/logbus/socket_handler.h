// SPDX-License-Identifier: MIT
// Python's SocketHandler: records to a server over TCP or a Unix socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <logbus/connection.h>
#include <logbus/connection_handler.h>
#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

struct SocketOptions : DeliveryOptions {
  enum class Codec : std::uint8_t { kPickle, kMsgpack };
  /// How a frame holds a record's attributes. Python's receivers read pickle.
  Codec codec = Codec::kPickle;
  /// An error closes the connection, and the next record makes it anew.
  bool close_on_error = false;
};

/// Sends each record as a frame: four bytes of length, most significant first, and a dictionary of its
/// attributes, from which logging.makeLogRecord() makes the record again. What becomes of records while the
/// server is away: ConnectionHandler. Source: logging.handlers.SocketHandler. Differs from Python: a record
/// that met a broken connection is sent again, unless strict; the formatter is not asked, since exc_text is
/// there already.
class SocketHandler : public ConnectionHandler {
 public:
  /// Without a port, `host` is the path of a Unix socket. Connects with the first record.
  SocketHandler(std::string host, std::optional<std::uint16_t> port, const SocketOptions& options = {});
  ~SocketHandler() override;

  /// With close_on_error() it also closes the connection.
  void handle_error(const LogRecord* record, const std::exception& error) noexcept override;

  const std::string& host() const noexcept { return host_; }
  std::optional<std::uint16_t> port() const noexcept { return port_; }
  bool close_on_error() const noexcept { return close_on_error_; }
  std::string_view class_name() const noexcept override { return "SocketHandler"; }

 protected:
  SocketHandler(std::string host, std::optional<std::uint16_t> port, const SocketOptions& options,
                Frames frames);

  Takes takes() const noexcept override;
  void emit(const LogRecord& record) override;
  void emit_text(const LogRecord& record, std::string_view text) override;
  /// Appends the record's frame. Python's makePickle.
  virtual void make_frame(const LogRecord& record, std::string& frame);
  /// A connected socket. Throws if there is none within `timeout`.
  virtual std::unique_ptr<Connection> make_socket(std::chrono::milliseconds timeout);
  /// Called whenever a connection is due, later after each failure; by default make_socket() with the
  /// timeout. Throws for a failure.
  virtual std::unique_ptr<Connection> create_socket();
  /// Sends a frame, or lets it wait.
  virtual void send(std::string_view frame);

  std::unique_ptr<Connection> make_connection() override { return create_socket(); }
  /// Python says nothing: neither does this if strict.
  void connection_failed(const Error& error) override;

 private:
  void append_frame(const LogRecord& record, std::string_view message, std::string& frame) const;

  const std::string host_;
  const std::optional<std::uint16_t> port_;
  const SocketOptions::Codec codec_;
  const bool close_on_error_;
  std::string message_;  // used again for each record
  std::string frame_;
};

}  // namespace abi1
}  // namespace logbus
