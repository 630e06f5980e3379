// SPDX-License-Identifier: MIT
// Where a socket leads: addresses, and how names become them.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace logbus::net {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const noexcept { return storage.ss_family; }
};

/// All addresses of a host, in getaddrinfo(3)'s order; at least one. Throws Error that names the host.
/// The resolver has no time limit that would be ours: after `timeout` it is left alone, on a thread of its
/// own.
std::vector<SocketAddress> resolve(const std::string& host, std::uint16_t port, int socket_type,
                                   std::chrono::milliseconds timeout);

/// Throws Error if the path is too long for a socket's address. A first '\0' means an abstract name.
SocketAddress unix_address(const std::string& path);

/// "host:port", an IPv6 address in brackets.
std::string host_and_port(const std::string& host, std::uint16_t port);

}  // namespace logbus::net
