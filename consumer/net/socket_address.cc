// SPDX-License-Identifier: MIT
#include "net/socket_address.h"

#include <netdb.h>
#include <sys/un.h>

#include <cerrno>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include <logbus/error.h>

namespace logbus::net {
namespace {

struct Lookup {
  int error = 0;  // EAI_*
  int system_error = 0;
  std::vector<SocketAddress> addresses;
};

Lookup look_up(const std::string& host, std::uint16_t port, int socket_type, int flags) {
  addrinfo hints{};
  hints.ai_socktype = socket_type;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  Lookup result;
  result.error = ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (result.error == EAI_SYSTEM) result.system_error = errno;
  if (result.error != 0) return result;
  for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
    SocketAddress& address = result.addresses.emplace_back();
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.size = at->ai_addrlen;
  }
  ::freeaddrinfo(found);
  return result;
}

// Shared by the one who waits and the thread that looks, which may come back when nobody waits any more.
struct Shared {
  std::mutex lock;
  std::condition_variable ready;
  std::optional<Lookup> result;
};

std::optional<Lookup> look_up_aside(const std::string& host, std::uint16_t port, int socket_type,
                                    std::chrono::milliseconds timeout) {
  const auto shared = std::make_shared<Shared>();
  std::thread([=] {
    Lookup result = look_up(host, port, socket_type, 0);
    const std::lock_guard guard(shared->lock);
    shared->result = std::move(result);
    shared->ready.notify_all();
  }).detach();
  std::unique_lock guard(shared->lock);
  shared->ready.wait_for(guard, timeout, [&] { return shared->result.has_value(); });
  return std::move(shared->result);
}

}  // namespace

std::string host_and_port(const std::string& host, std::uint16_t port) {
  const bool in_brackets = host.find(':') != std::string::npos;
  return (in_brackets ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

std::vector<SocketAddress> resolve(const std::string& host, std::uint16_t port, int socket_type,
                                   std::chrono::milliseconds timeout) {
  std::optional<Lookup> result = look_up(host, port, socket_type, AI_NUMERICHOST);
  if (result->error == EAI_NONAME) result = look_up_aside(host, port, socket_type, timeout);
  const std::string sentence = "cannot find the address of " + host_and_port(host, port);
  if (!result) throw Error(ETIMEDOUT, sentence);
  if (result->error == EAI_SYSTEM) throw Error(result->system_error, sentence);
  if (result->error != 0) throw Error(sentence + ": " + ::gai_strerror(result->error));
  return std::move(result->addresses);
}

SocketAddress unix_address(const std::string& path) {
  SocketAddress address;
  auto& un = reinterpret_cast<sockaddr_un&>(address.storage);
  un.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof un.sun_path) throw Error(ENAMETOOLONG, "socket " + path);
  std::memcpy(un.sun_path, path.data(), path.size());
  const bool is_abstract = path.front() == '\0';
  address.size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + path.size() + (is_abstract ? 0 : 1));
  return address;
}

}  // namespace logbus::net
