// SPDX-License-Identifier: MIT
// logging.handlers.SocketHandler and DatagramHandler, and the keys of all handlers that wait for a server.
#include <sys/un.h>

#include <chrono>
#include <cmath>
#include <memory>
#include <string>

#include <logbus/datagram_handler.h>
#include <logbus/socket_handler.h>

#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kShortest = 1ms;
constexpr std::chrono::milliseconds kLongest = 1h;

// Nothing also if it is wrong, which is then reported.
std::optional<double> number(Section& section, std::string_view key) {
  const Node* node = section.value(key);
  if (node == nullptr) return std::nullopt;
  const double value = node->is(Node::Kind::kInteger) ? static_cast<double>(node->integer) : node->real;
  const bool is_number = node->is(Node::Kind::kInteger) || node->is(Node::Kind::kFloat);
  if (is_number && value >= 0 && std::isfinite(value)) return value;
  section.expected(key, "a number of at least 0");
  return std::nullopt;
}

struct Server {
  std::string host;
  std::optional<std::uint16_t> port;
};

Server read_server(Section& section) {
  Server server;
  for (const std::string_view key : {"host", "port"})
    if (section.find(key) == nullptr)
      section.diagnostics().error(section.place(), "the key '" + std::string(key) + "' is missing");
  if (const auto port = section.integer("port", 1, 65535)) server.port = static_cast<std::uint16_t>(*port);
  const Node* const port = section.find("port");
  const bool is_unix = port != nullptr && port->is(Node::Kind::kNull);
  const std::string_view what = is_unix ? "the path of a Unix socket" : "a host's name or address";
  if (const Node* const host = section.find("host"); host != nullptr && host->is(Node::Kind::kNull))
    section.expected("host", what);
  if (const auto host = section.string("host")) {
    server.host = *host;
    constexpr std::size_t kLongestPath = sizeof(sockaddr_un::sun_path) - 1;
    if (host->empty() || (host->find('\0') != host->npos) || (is_unix && host->size() > kLongestPath))
      section.expected("host", what);
  }
  return server;
}

SocketOptions read_socket_options(HandlerReading& reading) {
  SocketOptions options;
  read_delivery_options(reading, options);
  if (const auto codec = reading.section.choice("codec", {"pickle", "msgpack"}))
    options.codec = static_cast<SocketOptions::Codec>(*codec);
  options.close_on_error = reading.attributes.truth("closeOnError").value_or(false);
  reading.settings.network = true;
  return options;
}

}  // namespace

void read_delivery_options(HandlerReading& reading, DeliveryOptions& options) {
  Section& section = reading.section;
  if (const auto timeout = read_timeout(section, "timeout")) options.timeout = *timeout;
  if (const auto backlog = section.size("backlog", 0, Section::kUnbounded))
    options.backlog = static_cast<std::size_t>(*backlog);
  options.retry_start = number(reading.attributes, "retryStart").value_or(options.retry_start);
  options.retry_factor = number(reading.attributes, "retryFactor").value_or(options.retry_factor);
  options.retry_max = number(reading.attributes, "retryMax").value_or(options.retry_max);
  options.compatibility = reading.bus.compatibility;
}

std::optional<std::chrono::milliseconds> read_timeout(Section& section, std::string_view key) {
  const Node* node = section.value(key);
  if (node == nullptr) return std::nullopt;
  std::chrono::nanoseconds timeout{};
  if (node->is(Node::Kind::kString)) {
    timeout = section.duration(key).value_or(0ns);
    if (timeout == 0ns) return std::nullopt;
  } else if (const auto seconds = number(section, key)) {
    timeout = std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(*seconds, 1e6) * 1e9));
  } else {
    return std::nullopt;
  }
  if (timeout >= kShortest && timeout <= kLongest)
    return std::chrono::ceil<std::chrono::milliseconds>(timeout);
  section.expected(key, "0.001 to 3600 seconds");
  return std::nullopt;
}

void read_socket_handler(HandlerReading& reading) {
  reading.settings.make = [server = read_server(reading.section),
                           options = read_socket_options(reading)](const Making&) {
    return std::make_shared<SocketHandler>(server.host, server.port, options);
  };
}

void read_datagram_handler(HandlerReading& reading) {
  reading.settings.make = [server = read_server(reading.section),
                           options = read_socket_options(reading)](const Making&) {
    return std::make_shared<DatagramHandler>(server.host, server.port, options);
  };
}

}  // namespace logbus::sidecar
