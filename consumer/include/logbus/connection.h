// SPDX-License-Identifier: MIT
// A stream of bytes to a server.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// A connected stream, with a time limit on everything. One thread at a time. Override it for a transport of
/// your own: a proxy, an encryption. Closed by its destructor.
class Connection {
 public:
  virtual ~Connection() = default;
  /// Hands over the bytes, or as many of them as there is room for within `timeout`: how many. Throws Error
  /// if the connection is broken; nobody knows then how many have arrived. If it breaks when it has taken
  /// some, better give how many, and let the next call throw: they are counted.
  [[nodiscard]] virtual std::size_t send(std::string_view bytes, std::chrono::milliseconds timeout) = 0;
  /// Of all the bytes sent, how many of the last ones may not have arrived in the other side's kernel. What
  /// has, its process may still never read. Never throws; 0 if that can't be known.
  virtual std::size_t unacknowledged() const noexcept = 0;
  /// Throws Error if the other side has closed the connection: without a code if it did so in order, having
  /// read what had arrived. The first bytes sent after that would be taken, and lost. What the other side has
  /// sent is thrown away.
  virtual void check() = 0;
};

/// How long what was sent may stay without an acknowledgement, or a server without room for more, before the
/// kernel ends a TCP connection.
inline constexpr std::chrono::milliseconds kAcknowledgeTimeout = std::chrono::seconds(30);

/// Connects to the first of the host's addresses that answers. `timeout` is for all of it, the name's look-up
/// too. Throws Error that names host and port.
std::unique_ptr<Connection> connect_tcp(const std::string& host, std::uint16_t port,
                                        std::chrono::milliseconds timeout,
                                        std::chrono::milliseconds acknowledge_timeout = kAcknowledgeTimeout);
/// The same to a socket of the type SOCK_STREAM in the file system.
std::unique_ptr<Connection> connect_unix(const std::string& path, std::chrono::milliseconds timeout);

/// One datagram a send(), to the host's first IPv4 address, else, or without `ipv4_first`, to its first one;
/// `timeout` is for the look-up of the name, which is not repeated. What was sent may be lost, and nobody
/// tells.
std::unique_ptr<Connection> connect_udp(const std::string& host, std::uint16_t port,
                                        std::chrono::milliseconds timeout, bool ipv4_first = true);
/// The same to a socket of the type SOCK_DGRAM in the file system. send() throws when its server has gone.
std::unique_ptr<Connection> connect_unix_datagram(const std::string& path);

}  // namespace abi1
}  // namespace logbus
