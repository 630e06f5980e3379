// SPDX-License-Identifier: MIT
#include "net/socket_connection.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

#include <logbus/error.h>

namespace logbus {
namespace net {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

void set_option(int fd, int level, int option, int value) {
  (void)::setsockopt(fd, level, option, &value, sizeof value);  // without it things only go slower
}

// 0, or errno.
int connect_within(int fd, const SocketAddress& address, Deadline deadline) {
  if (::connect(fd, address.get(), address.size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (!wait_for(fd, POLLOUT, deadline)) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

bool is_unix(int fd) noexcept {
  int domain = 0;
  socklen_t size = sizeof domain;
  return ::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX;
}

bool is_reset(int fd) noexcept {
  char byte;
  return ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno != EAGAIN && errno != EINTR;
}

}  // namespace

bool wait_for(int fd, short events, Deadline deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
    pollfd entry{fd, events, 0};
    const int ready =
        ::poll(&entry, 1, static_cast<int>(std::clamp<milliseconds::rep>(left.count(), 0, 1 << 30)));
    if (ready > 0) return true;
    if (ready == 0 && left <= milliseconds::zero()) return false;
    if (ready < 0 && errno != EINTR) throw Error(errno, "poll");
  }
}

base::UniqueFd open_tcp(const std::string& host, std::uint16_t port, milliseconds timeout,
                        milliseconds acknowledge_timeout) {
  const auto end = Clock::now() + timeout;
  const std::vector<SocketAddress> addresses = resolve(host, port, SOCK_STREAM, timeout);
  int error = 0;
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    // One that doesn't answer must leave time for the others.
    const auto now = Clock::now();
    const auto deadline = i + 1 == addresses.size() ? end : now + (end - now) / 2;
    base::UniqueFd fd(::socket(addresses[i].family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    error = fd ? connect_within(fd.get(), addresses[i], deadline) : errno;
    if (error != 0) continue;
    set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);  // what is sent at once is a batch already
    set_option(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(acknowledge_timeout.count()));
    return fd;
  }
  throw Error(error, "cannot connect to " + host_and_port(host, port));
}

std::size_t unacknowledged_bytes(int fd) noexcept {
  int bytes = 0;
  if (::ioctl(fd, SIOCOUTQ, &bytes) != 0 || bytes < 0) return 0;
  return static_cast<std::size_t>(bytes);
}

SocketConnection::SocketConnection(base::UniqueFd fd, std::string name)
    : fd_(std::move(fd)), name_(std::move(name)), is_unix_(is_unix(fd_.get())) {}

// On a Unix socket it is the memory of what the other side's process has not read: never less than its bytes.
// It falls to 0 also when the other side closes, and what it has not read is thrown away: then it is a reset,
// which is told once.
std::size_t SocketConnection::unacknowledged() const noexcept {
  if (broken_ != 0) return std::numeric_limits<std::size_t>::max();
  const std::size_t bytes = unacknowledged_bytes(fd_.get());
  if (is_unix_ && bytes == 0 && !is_reset_) is_reset_ = is_reset(fd_.get());
  return is_reset_ ? std::numeric_limits<std::size_t>::max() : bytes;
}

std::size_t SocketConnection::send(std::string_view bytes, milliseconds timeout) {
  if (broken_ != 0) throw Error(broken_, name_);
  const auto deadline = Clock::now() + timeout;
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t taken = ::send(fd_.get(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (taken >= 0) {
      sent += static_cast<std::size_t>(taken);
    } else if (errno == EAGAIN) {
      if (!wait_for(fd_.get(), POLLOUT, deadline)) break;
    } else if (errno != EINTR) {
      broken_ = errno;
      if (sent == 0) throw Error(broken_, name_);
      break;
    }
  }
  return sent;
}

void SocketConnection::check() {
  if (broken_ != 0) throw Error(broken_, name_);
  // A receiver of logs has little to say. One that talks without end is not listened to for ever.
  constexpr int kMostReads = 16;
  std::array<char, 4096> unread;
  for (int i = 0; i < kMostReads; ++i) {
    const ssize_t got = ::recv(fd_.get(), unread.data(), unread.size(), MSG_DONTWAIT);
    if (got == 0) throw Error(name_ + ": closed by the other side");
    if (got < 0 && errno == EAGAIN) return;
    if (got < 0 && errno != EINTR) throw Error(errno, name_);
  }
}

}  // namespace net

inline namespace abi1 LOGBUS_ABI {

std::unique_ptr<Connection> connect_tcp(const std::string& host, std::uint16_t port,
                                        std::chrono::milliseconds timeout,
                                        std::chrono::milliseconds acknowledge_timeout) {
  return std::make_unique<net::SocketConnection>(net::open_tcp(host, port, timeout, acknowledge_timeout),
                                                 net::host_and_port(host, port));
}

std::unique_ptr<Connection> connect_unix(const std::string& path, std::chrono::milliseconds timeout) {
  const net::SocketAddress address = net::unix_address(path);
  base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) throw Error(errno, "socket");
  // A server whose backlog is full makes connect(2) wait, but not as poll(2) would know it.
  const auto most = std::max(timeout, std::chrono::milliseconds(1));  // 0 would mean no limit
  const timeval limit{.tv_sec = most.count() / 1000, .tv_usec = most.count() % 1000 * 1000};
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (::connect(fd.get(), address.get(), address.size) != 0) throw Error(errno, "cannot connect to " + path);
  if (::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK) != 0) throw Error(errno, path);
  return std::make_unique<net::SocketConnection>(std::move(fd), path);
}

}  // namespace abi1
}  // namespace logbus
