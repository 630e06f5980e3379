// SPDX-License-Identifier: MIT
// Python's SysLogHandler: to a syslog server over UDP, TCP, TLS or a Unix socket.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <logbus/connection.h>
#include <logbus/connection_handler.h>
#include <logbus/detail/abi.h>
#include <logbus/tls.h>

namespace logbus {
namespace handlers {
class Rfc5424Header;
}
inline namespace abi1 LOGBUS_ABI {

/// Where one message ends on a stream: at a NUL, as in Python (if append_nul); at a line feed (those within
/// the message become `#012`); or where the length before it says. Source: RFC 6587.
enum class SysLogFraming : std::uint8_t { kNul, kLf, kOctetCounting };

/// Settings of a SysLogHandler. Beyond Python's: from `framing` on.
struct SysLogOptions {
  struct Host {
    std::string name = "localhost";
    std::uint16_t port = 514;
  };
  enum class SocketType : std::uint8_t { kAny, kDatagram, kStream };

  std::variant<Host, std::string> address = Host{};  // the string: the path of a Unix socket
  int facility = 1;                                  // LOG_USER
  SocketType socket_type = SocketType::kAny;         // kAny: UDP; at a path what is there
  SysLogFraming framing = SysLogFraming::kNul;       // else for kStream and TLS only
  bool rfc5424 = false;                              // its header instead of `<PRI>` alone
  std::string hostname = {};                         // in that header; "": the machine's
  std::string app_name = {};                         // "": the record's processName
  std::uint32_t enterprise_id = 32473;               // of the extra fields' name there, extra@32473
  std::optional<TlsOptions> tls = {};                // over TCP
  DeliveryOptions delivery = {};                     // its timeout is Python's, too
};

/// Sends each record as a message to a syslog server. Differs from Python, unless strict: what the server's
/// kernel has not acknowledged, or can't take now, waits and goes again, over a new connection if need be
/// (see ConnectionHandler); and nothing waits longer than the timeout. Source:
/// logging.handlers.SysLogHandler.
class SysLogHandler : public ConnectionHandler {
 public:
  /// Python's number, or nothing, for "local0", "daemon" ..., and for "err", "warning" ...
  static std::optional<int> facility_code(std::string_view name) noexcept;
  static std::optional<int> priority_code(std::string_view name) noexcept;

  /// Makes the socket, so that one learns at once of a host that is unknown or refuses: told, and tried again
  /// for the first record; strict: throws Error, as Python does. A Unix socket may come later without a word.
  /// Throws Error for options that contradict each other.
  explicit SysLogHandler(SysLogOptions options = {});
  ~SysLogHandler() override;

  /// What comes before each message.
  void set_ident(std::string_view ident);
  void set_append_nul(bool append);
  /// Names of levels and of priorities; a level that isn't among them is a "warning".
  void set_priority_map(std::vector<std::pair<std::string, std::string>> map);

  /// The priority's name for a level's. With the handler's lock held.
  virtual std::string_view map_priority(std::string_view level_name) const;
  /// The number in front of a message. Throws Error if there is no such priority.
  virtual int encode_priority(int facility, std::string_view priority) const;

  void close() override;
  std::string_view class_name() const noexcept override { return "SysLogHandler"; }

 protected:
  /// For those who override create_socket(): makes no socket yet.
  struct NoSocket {};
  SysLogHandler(SysLogOptions options, NoSocket);

  void emit(const LogRecord& record) override;
  Takes takes() const noexcept override;
  void emit_text(const LogRecord& record, std::string_view text) override;
  /// Appends `<PRI>`, the header, ident and the record's text; no framing. With the lock held. May throw.
  virtual void make_message(const LogRecord& record, std::string_view text, std::string& out);
  /// A new connection to the server. With the lock held. Throws Error.
  virtual std::unique_ptr<Connection> create_socket();
  std::unique_ptr<Connection> make_connection() override;

 private:
  bool is_unix() const noexcept { return std::holds_alternative<std::string>(options_.address); }

  SysLogOptions options_;
  bool is_stream_;  // for a path of any type: as it was found last
  std::string ident_;
  bool append_nul_ = true;
  std::vector<std::pair<std::string, std::string>> priority_map_;
  std::unique_ptr<handlers::Rfc5424Header> header_;  // null: none
  std::unique_ptr<Connection> first_;                // made by the constructor, not used yet
  bool was_connected_ = false;                       // since the beginning or close()
  std::string text_;
  std::string message_;
};

}  // namespace abi1
}  // namespace logbus
