// SPDX-License-Identifier: MIT
// Connection over a plain stream socket, and the steps that other transports share with it.
#pragma once

#include <chrono>

#include <logbus/connection.h>

#include "base/unique_fd.h"
#include "net/socket_address.h"

namespace logbus::net {

using Deadline = std::chrono::steady_clock::time_point;

/// Waits until poll(2) reports one of `events`, or an error; false: the deadline has passed.
bool wait_for(int fd, short events, Deadline deadline);

/// A TCP socket that is connected and does not block. See connect_tcp().
base::UniqueFd open_tcp(const std::string& host, std::uint16_t port, std::chrono::milliseconds timeout,
                        std::chrono::milliseconds acknowledge_timeout);

/// Bytes in the kernel that the other side's kernel has not acknowledged.
std::size_t unacknowledged_bytes(int fd) noexcept;

class SocketConnection : public Connection {
 public:
  /// `fd` is connected and does not block; `name` is what errors call it.
  SocketConnection(base::UniqueFd fd, std::string name);

  std::size_t send(std::string_view bytes, std::chrono::milliseconds timeout) override;
  std::size_t unacknowledged() const noexcept override;
  void check() override;

 private:
  base::UniqueFd fd_;
  std::string name_;
  bool is_unix_;
  int broken_ = 0;                 // why send() took less than all: the next call says so
  mutable bool is_reset_ = false;  // and unacknowledged() has been told so
};

}  // namespace logbus::net
