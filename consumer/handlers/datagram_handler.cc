// SPDX-License-Identifier: MIT
#include <logbus/datagram_handler.h>

#include <utility>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

// Python tries with each record.
SocketOptions datagram_options(SocketOptions options) {
  if (options.compatibility.strict) options.retry_start = 0;
  return options;
}

}  // namespace

DatagramHandler::DatagramHandler(std::string host, std::optional<std::uint16_t> port,
                                 const SocketOptions& options)
    : SocketHandler(std::move(host), port, datagram_options(options), Frames::kDatagrams) {}

// What waits is sent while make_socket() is still this class's.
DatagramHandler::~DatagramHandler() {
  try {
    close();
  } catch (const std::exception& error) {
    handle_error(nullptr, error);
  }
}

std::unique_ptr<Connection> DatagramHandler::make_socket(std::chrono::milliseconds timeout) {
  return port() ? connect_udp(host(), *port(), timeout) : connect_unix_datagram(host());
}

void DatagramHandler::connection_failed(const Error& error) {
  ConnectionHandler::connection_failed(error);
}

}  // namespace abi1
}  // namespace logbus
