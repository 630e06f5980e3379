// SPDX-License-Identifier: MIT
// Python's DatagramHandler: records to a server, one datagram each.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <logbus/detail/abi.h>
#include <logbus/socket_handler.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Sends each record as a datagram with SocketHandler's frame, its length included. Over UDP a record counts
/// as delivered when it is sent. On a Unix socket records wait while their server is away or has no room. One
/// that is too large for a datagram is lost: DropReason::kTooLarge, told once. Source:
/// logging.handlers.DatagramHandler. Differs from Python: IPv6 too, where a host has no IPv4 address; the
/// host's name is looked up once; a record that meets a Unix socket without a server waits, unless strict.
class DatagramHandler : public SocketHandler {
 public:
  /// Without a port, `host` is the path of a Unix socket.
  DatagramHandler(std::string host, std::optional<std::uint16_t> port, const SocketOptions& options = {});
  ~DatagramHandler() override;

  std::string_view class_name() const noexcept override { return "DatagramHandler"; }

 protected:
  std::unique_ptr<Connection> make_socket(std::chrono::milliseconds timeout) override;
  void connection_failed(const Error& error) override;
};

}  // namespace abi1
}  // namespace logbus
