// SPDX-License-Identifier: MIT
// Mails to one SMTP server by libcurl.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <logbus/tls.h>

namespace logbus::net {

class CurlEasy;

struct SmtpSettings {
  std::string host;
  std::uint16_t port = 25;
  std::optional<std::pair<std::string, std::string>> credentials = {};
  std::optional<TlsOptions> starttls = {};  // required then
};

struct SmtpResult {
  bool sent = false;
  int code = 0;                           // of the server's refusal; 0: it has said nothing of the kind
  std::string error = {};                 // why it was not sent: the server's words, or libcurl's
  std::vector<std::string> refused = {};  // if sent, what the server says of recipients that it did not take
};

/// One mail after the other over one connection, which disconnect() ends.
class CurlSmtp {
 public:
  /// Beyond so many bytes of replies to a mail the connection is closed.
  static constexpr std::size_t kMostReplyBytes = 64 * 1024;

  explicit CurlSmtp(SmtpSettings settings);
  ~CurlSmtp();

  /// `message`: lines that end with CRLF. It is sent if the server takes one recipient at least.
  SmtpResult send(const std::string& from, const std::vector<std::string>& to, std::string_view message,
                  std::chrono::milliseconds timeout);
  /// Says good-bye and does not wait for an answer.
  void disconnect() noexcept;

 private:
  struct Transfer;
  static std::size_t read_reply(char* bytes, std::size_t size, std::size_t count, void* transfer);
  static std::size_t write_message(char* bytes, std::size_t size, std::size_t count, void* transfer);
  void connect();

  const SmtpSettings settings_;
  std::unique_ptr<CurlEasy> curl_;  // null: no connection
};

}  // namespace logbus::net
