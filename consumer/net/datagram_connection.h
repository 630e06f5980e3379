// SPDX-License-Identifier: MIT
// Connection over a datagram socket: each send() is one datagram.
#pragma once

#include <string>

#include <logbus/connection.h>

#include "base/unique_fd.h"
#include "net/socket_address.h"

namespace logbus::net {

class DatagramConnection : public Connection {
 public:
  /// `fd` does not block. With an address each datagram is sent there, and nobody tells whether there is
  /// somebody; without one the socket is connected. `name` is what errors call it.
  DatagramConnection(base::UniqueFd fd, SocketAddress address, std::string name);

  std::size_t send(std::string_view bytes, std::chrono::milliseconds timeout) override;
  std::size_t unacknowledged() const noexcept override { return 0; }
  void check() override {}

 private:
  base::UniqueFd fd_;
  SocketAddress address_;  // of size 0: connected
  std::string name_;
};

}  // namespace logbus::net
