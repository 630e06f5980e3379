// SPDX-License-Identifier: MIT
#include <logbus/sys_log_handler.h>

#include <cerrno>
#include <functional>
#include <mutex>
#include <typeinfo>

#include "sys_log_message.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

using SocketType = SysLogOptions::SocketType;
using Host = SysLogOptions::Host;
using Factory = std::function<std::unique_ptr<Connection>()>;

const std::vector<std::pair<std::string, std::string>>& python_priority_map() {
  static const auto* map = new std::vector<std::pair<std::string, std::string>>{{"DEBUG", "debug"},
                                                                                {"INFO", "info"},
                                                                                {"WARNING", "warning"},
                                                                                {"ERROR", "error"},
                                                                                {"CRITICAL", "critical"}};
  return *map;
}

// What would be the message's end, from where another one could begin. rsyslogd, too, writes it so.
void replace_all(std::string& text, char byte, std::string_view by) {
  for (std::size_t at = text.find(byte); at != text.npos; at = text.find(byte, at + by.size()))
    text.replace(at, 1, by);
}

// A strict handler tries at each record, as Python does.
DeliveryOptions delivery_of(const SysLogOptions& options) {
  DeliveryOptions delivery = options.delivery;
  if (delivery.compatibility.strict) delivery.retry_start = delivery.retry_max = 0;
  return delivery;
}

bool needs_stream(const SysLogOptions& options) {
  return options.tls || options.socket_type == SocketType::kStream;
}

SysLogOptions checked(SysLogOptions options) {
  const bool is_unix = std::holds_alternative<std::string>(options.address);
  if (options.tls && (is_unix || options.socket_type == SocketType::kDatagram))
    throw Error("syslog: TLS needs a host and a stream");
  if (options.framing != SysLogFraming::kNul && !needs_stream(options))
    throw Error("syslog: a framing needs a stream");
  return options;
}

// Python's way with a Unix socket that fails: closes it, connects, and sends once more.
class SendingTwice : public Connection {
 public:
  SendingTwice(std::unique_ptr<Connection> connection, Factory connect)
      : connect_(std::move(connect)), connection_(std::move(connection)) {}

  std::size_t send(std::string_view bytes, std::chrono::milliseconds timeout) override {
    try {
      return connection_->send(bytes, timeout);
    } catch (const Error&) {
      connection_ = connect_();
      return connection_->send(bytes, timeout);
    }
  }
  std::size_t unacknowledged() const noexcept override { return connection_->unacknowledged(); }
  void check() override { connection_->check(); }

 private:
  Factory connect_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace

std::optional<int> SysLogHandler::facility_code(std::string_view name) noexcept {
  return handlers::sys_log_facility(name);
}

std::optional<int> SysLogHandler::priority_code(std::string_view name) noexcept {
  return handlers::sys_log_priority(name);
}

SysLogHandler::SysLogHandler(SysLogOptions options) : SysLogHandler(std::move(options), NoSocket()) {
  try {
    first_ = SysLogHandler::create_socket();
  } catch (const Error& error) {
    if (is_unix()) return;
    if (options_.delivery.compatibility.strict) throw;
    SysLogHandler::connection_failed(error);
  }
}

SysLogHandler::SysLogHandler(SysLogOptions options, NoSocket)
    : ConnectionHandler(delivery_of(options), needs_stream(options) ? Frames::kStream : Frames::kDatagrams),
      options_(checked(std::move(options))),
      is_stream_(needs_stream(options_)),
      priority_map_(python_priority_map()) {
  if (!options_.rfc5424) return;
  header_ = std::make_unique<handlers::Rfc5424Header>(
      handlers::Rfc5424Header::Options{options_.hostname, options_.app_name, options_.enterprise_id});
}

SysLogHandler::~SysLogHandler() {
  try {
    SysLogHandler::close();
  } catch (const std::exception& error) {
    handle_error(nullptr, error);
  }
}

void SysLogHandler::set_ident(std::string_view ident) {
  const std::lock_guard guard(lock());
  ident_ = ident;
}

void SysLogHandler::set_append_nul(bool append) {
  const std::lock_guard guard(lock());
  append_nul_ = append;
}

void SysLogHandler::set_priority_map(std::vector<std::pair<std::string, std::string>> map) {
  const std::lock_guard guard(lock());
  priority_map_ = std::move(map);
}

std::string_view SysLogHandler::map_priority(std::string_view level_name) const {
  for (const auto& [level, priority] : priority_map_)
    if (level == level_name) return priority;
  return "warning";
}

int SysLogHandler::encode_priority(int facility, std::string_view priority) const {
  const std::optional<int> code = priority_code(priority);
  if (!code) throw Error("there is no syslog priority '" + std::string(priority) + "'");
  return facility << 3 | *code;
}

// Whether a path is that of a stream or of datagrams shows when one connects.
std::unique_ptr<Connection> SysLogHandler::create_socket() {
  const std::chrono::milliseconds timeout = ConnectionHandler::options().timeout;
  if (const auto* host = std::get_if<Host>(&options_.address)) {
    if (options_.tls) return connect_tls(host->name, host->port, *options_.tls, timeout);
    return is_stream_ ? connect_tcp(host->name, host->port, timeout)
                      : connect_udp(host->name, host->port, timeout, false);
  }
  const std::string& path = std::get<std::string>(options_.address);
  if (options_.socket_type == SocketType::kStream) return connect_unix(path, timeout);
  std::unique_ptr<Connection> connection;
  try {
    connection = connect_unix_datagram(path);
  } catch (const Error& error) {
    if (error.code() != EPROTOTYPE || options_.socket_type == SocketType::kDatagram) throw;
    connection = connect_unix(path, timeout);
    is_stream_ = true;
    set_frames(Frames::kStream);
    return connection;
  }
  is_stream_ = false;
  set_frames(Frames::kDatagrams);
  return connection;
}

std::unique_ptr<Connection> SysLogHandler::make_connection() {
  const bool strict = options_.delivery.compatibility.strict;
  // Python has no way back to a TCP server, but close().
  if (strict && !is_unix() && is_stream_ && was_connected_)
    throw Error(EPIPE, std::get<Host>(options_.address).name);
  std::unique_ptr<Connection> connection = std::move(first_);
  try {
    if (connection != nullptr && !strict) connection->check();
  } catch (const Error&) {  // it was made long before the first record
    connection.reset();
  }
  if (connection == nullptr) connection = create_socket();
  was_connected_ = true;
  if (!strict || !is_unix()) return connection;
  return std::make_unique<SendingTwice>(std::move(connection), [this] { return create_socket(); });
}

void SysLogHandler::make_message(const LogRecord& record, std::string_view text, std::string& out) {
  out += '<';
  out += std::to_string(encode_priority(options_.facility, map_priority(record.levelname)));
  out += '>';
  if (header_ != nullptr) header_->append(record, out);
  const std::size_t begin = out.size();
  out += ident_;
  out += text;
  if (header_ != nullptr) handlers::Rfc5424Header::insert_mark(out, begin);
}

void SysLogHandler::emit(const LogRecord& record) {
  text_.clear();
  format(record, text_);
  emit_text(record, text_);
}

Handler::Takes SysLogHandler::takes() const noexcept {
  return typeid(*this) == typeid(SysLogHandler) ? Takes::kText : Takes::kRecord;
}

void SysLogHandler::emit_text(const LogRecord& record, std::string_view text) {
  message_.clear();
  make_message(record, text, message_);
  if (options_.framing == SysLogFraming::kOctetCounting) {
    message_.insert(0, std::to_string(message_.size()) + ' ');
  } else if (options_.framing == SysLogFraming::kLf) {
    replace_all(message_, '\n', "#012");
    message_ += '\n';
  } else if (append_nul_) {
    if (is_stream_ && !options_.delivery.compatibility.strict) replace_all(message_, '\0', "#000");
    message_ += '\0';
  }
  send_frame(message_);
}

void SysLogHandler::close() {
  const std::lock_guard guard(lock());
  ConnectionHandler::close();
  first_.reset();
  was_connected_ = false;
}

}  // namespace abi1
}  // namespace logbus
