// SPDX-License-Identifier: MIT
#include "net/datagram_connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <thread>
#include <utility>

#include <logbus/error.h>

#include "net/socket_connection.h"

namespace logbus {
namespace net {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// A full queue of a network device is none of the socket's: poll(2) does not know when there is room in it.
constexpr milliseconds kQueuePause{1};

}  // namespace

DatagramConnection::DatagramConnection(base::UniqueFd fd, SocketAddress address, std::string name)
    : fd_(std::move(fd)), address_(address), name_(std::move(name)) {}

std::size_t DatagramConnection::send(std::string_view bytes, milliseconds timeout) {
  const auto deadline = Clock::now() + timeout;
  for (;;) {
    const ssize_t taken = ::sendto(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL,
                                   address_.size != 0 ? address_.get() : nullptr, address_.size);
    if (taken >= 0) return bytes.size();
    if (errno == EAGAIN) {
      if (!wait_for(fd_.get(), POLLOUT, deadline)) return 0;
    } else if (errno == ENOBUFS) {
      if (Clock::now() >= deadline) return 0;
      std::this_thread::sleep_for(kQueuePause);
    } else if (errno != EINTR) {
      throw Error(errno, name_);
    }
  }
}

}  // namespace net

inline namespace abi1 LOGBUS_ABI {

std::unique_ptr<Connection> connect_udp(const std::string& host, std::uint16_t port,
                                        std::chrono::milliseconds timeout, bool ipv4_first) {
  std::vector<net::SocketAddress> addresses = net::resolve(host, port, SOCK_DGRAM, timeout);
  // Nobody answers a datagram, so that another address could be tried.
  if (ipv4_first) {
    std::stable_partition(addresses.begin(), addresses.end(),
                          [](const net::SocketAddress& address) { return address.family() == AF_INET; });
  }
  int error = 0;
  for (const net::SocketAddress& address : addresses) {
    base::UniqueFd fd(::socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd)
      return std::make_unique<net::DatagramConnection>(std::move(fd), address,
                                                       net::host_and_port(host, port));
    error = errno;  // a kernel without IPv6
  }
  throw Error(error, "no socket for " + net::host_and_port(host, port));
}

std::unique_ptr<Connection> connect_unix_datagram(const std::string& path) {
  const net::SocketAddress address = net::unix_address(path);
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw Error(errno, "socket");
  if (::connect(fd.get(), address.get(), address.size) != 0) throw Error(errno, "cannot connect to " + path);
  return std::make_unique<net::DatagramConnection>(std::move(fd), net::SocketAddress(), path);
}

}  // namespace abi1
}  // namespace logbus
