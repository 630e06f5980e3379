// SPDX-License-Identifier: MIT
// logging.handlers.SysLogHandler.
#include <logbus/sys_log_handler.h>

#include <sys/un.h>

#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "handlers/sys_log_message.h"
#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {
namespace {

using SocketType = SysLogOptions::SocketType;
using PriorityMap = std::vector<std::pair<std::string, std::string>>;

constexpr std::uint16_t kTlsPort = 6514;  // RFC 5425

void read_address(Section& section, SysLogOptions& options) {
  const Node* node = section.value("address");
  if (node == nullptr) {
    if (options.tls) std::get<SysLogOptions::Host>(options.address).port = kTlsPort;
    return;
  }
  if (node->is(Node::Kind::kString) && !node->text.empty()) {
    if (node->text.size() >= sizeof(sockaddr_un::sun_path))
      section.expected("address", fmt::format("a path of less than {} bytes", sizeof(sockaddr_un::sun_path)));
    options.address = node->text;
    return;
  }
  if (!node->is(Node::Kind::kList) || node->items.size() != 2 || !node->items[0].is(Node::Kind::kString) ||
      node->items[0].text.empty()) {
    section.expected("address", "[HOST, PORT], or the path of a Unix socket");
    return;
  }
  const Node& port = node->items[1];
  if (!port.is(Node::Kind::kInteger) || port.integer < 1 || port.integer > 65535) {
    section.diagnostics().error({port.mark, section.place("address").path + "[1]"},
                                fmt::format("expected a port from 1 to 65535, got {}", describe(port)));
    return;
  }
  options.address = SysLogOptions::Host{node->items[0].text, static_cast<std::uint16_t>(port.integer)};
}

void read_facility(Section& section, SysLogOptions& options) {
  constexpr int kMost = 23;
  const Node* node = section.value("facility");
  if (node == nullptr) return;
  if (node->is(Node::Kind::kString)) {
    if (const auto code = SysLogHandler::facility_code(node->text)) {
      options.facility = *code;
    } else {
      section.expected("facility", "one of " + handlers::sys_log_facility_names());
    }
  } else if (node->is(Node::Kind::kInteger) && node->integer >= 0 && node->integer <= kMost) {
    options.facility = static_cast<int>(node->integer);
  } else {
    section.expected("facility", "a facility's name, or its number, from 0 to 23");
  }
}

void read_socket_type(Section& section, SysLogOptions& options) {
  constexpr std::int64_t kStream = 1, kDatagram = 2;
  const Node* node = section.value("socktype");
  if (node == nullptr) return;
  const std::int64_t type = node->is(Node::Kind::kInteger) ? node->integer : 0;
  if (type != kStream && type != kDatagram)
    section.expected("socktype", "ext://socket.SOCK_DGRAM or ext://socket.SOCK_STREAM");
  options.socket_type = type == kStream ? SocketType::kStream : SocketType::kDatagram;
}

std::optional<TlsOptions> read_tls(Section& section) {
  const Node* node = section.value("tls");
  if (node == nullptr) return std::nullopt;
  TlsOptions options;
  if (node->is(Node::Kind::kBool)) return node->boolean ? std::optional(options) : std::nullopt;
  if (!node->is(Node::Kind::kMap)) {
    section.expected("tls", "true, or a mapping");
    return std::nullopt;
  }
  Section tls(*node, section.place("tls"), section.diagnostics());
  options.server_hostname = tls.string("server_hostname").value_or("");
  read_tls_options(tls, options);
  return options;
}

void read_framing(Section& section, SysLogOptions& options) {
  const bool is_stream = options.tls || options.socket_type == SocketType::kStream;
  if (options.tls) options.framing = SysLogFraming::kOctetCounting;  // RFC 5425 knows no other
  const auto framing = section.choice("framing", {"nul", "lf", "octet-counting"});
  if (!framing) return;
  options.framing = static_cast<SysLogFraming>(*framing);
  if (!is_stream)
    section.diagnostics().error(
        section.place("framing"),
        "a datagram needs none: it is for socktype: ext://socket.SOCK_STREAM, and tls");
}

void read_header(Section& section, SysLogOptions& options) {
  options.rfc5424 = section.choice("header", {"none", "rfc5424"}).value_or(0) == 1;
  options.hostname = section.string("hostname").value_or("");
  options.app_name = section.string("app_name").value_or("");
  const auto enterprise = section.integer("enterprise_id", 0, std::numeric_limits<std::uint32_t>::max());
  if (enterprise) options.enterprise_id = static_cast<std::uint32_t>(*enterprise);
  if (options.rfc5424) return;
  for (const std::string_view key : {"hostname", "app_name", "enterprise_id"})
    if (section.value(key) != nullptr)
      section.diagnostics().error(section.place(key), "it is for header: rfc5424");
}

// Of Python's attribute: levels' names, and those of priorities.
std::optional<PriorityMap> read_priority_map(Section& attributes) {
  const Node* node = attributes.value("priority_map");
  if (node == nullptr) return std::nullopt;
  PriorityMap map;
  if (!node->is(Node::Kind::kMap)) {
    attributes.expected("priority_map", "a mapping of levels' names to priorities");
    return std::nullopt;
  }
  Section section(*node, attributes.place("priority_map"), attributes.diagnostics());
  for (const NodeEntry& entry : node->entries) {
    const std::optional<std::string> priority = section.string(entry.key.text);
    if (!priority) continue;
    if (!SysLogHandler::priority_code(*priority))
      section.expected(entry.key.text,
                       "a priority: debug, info, notice, warning, error, critical, alert or emerg");
    map.emplace_back(entry.key.text, *priority);
  }
  return map;
}

}  // namespace

void read_sys_log_handler(HandlerReading& reading) {
  Section& section = reading.section;
  SysLogOptions options;
  read_delivery_options(reading, options.delivery);
  options.tls = read_tls(section);
  read_address(section, options);
  read_facility(section, options);
  read_socket_type(section, options);
  read_framing(section, options);
  read_header(section, options);
  if (options.tls && std::holds_alternative<std::string>(options.address))
    section.diagnostics().error(section.place("tls"), "not over a Unix socket: it needs [HOST, PORT]");
  if (options.tls && options.socket_type == SocketType::kDatagram)
    section.diagnostics().error(section.place("socktype"), "TLS is over a stream");
  const std::string ident = reading.attributes.string("ident").value_or("");
  const std::optional<bool> append_nul = reading.attributes.truth("append_nul");
  if (append_nul.value_or(false) && options.framing != SysLogFraming::kNul)
    section.diagnostics().error(reading.attributes.place("append_nul"), "it is for framing: nul");
  const auto map = read_priority_map(reading.attributes);
  reading.settings.network = true;
  reading.settings.make = [=](const Making&) {
    auto handler = std::make_shared<SysLogHandler>(options);
    handler->set_ident(ident);
    handler->set_append_nul(append_nul.value_or(true));
    if (map) handler->set_priority_map(*map);
    return handler;
  };
}

}  // namespace logbus::sidecar
