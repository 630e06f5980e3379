// SPDX-License-Identifier: MIT
// Python's SMTPHandler.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <logbus/detail/abi.h>
#include <logbus/log_record.h>
#include <logbus/request_handler.h>
#include <logbus/tls.h>

namespace logbus {
namespace net {
class CurlSmtp;
}
inline namespace abi1 LOGBUS_ABI {

/// Arguments of an SMTPHandler: all but the last two are Python's.
struct SMTPOptions {
  std::string mailhost;
  std::uint16_t port = 25;
  std::string fromaddr;              // "a@b.c" or "Name <a@b.c>"
  std::vector<std::string> toaddrs;  // likewise; one entry may hold several, with commas
  std::string subject;
  std::optional<std::pair<std::string, std::string>> credentials = {};  // user and password
  /// STARTTLS, with credentials alone, as in Python. Its server_hostname is not used.
  std::optional<TlsOptions> secure = {};
  /// What comes until flush() or end_batch() goes into one mail.
  bool digest = false;
  RequestOptions requests = {};
};

/// Mails each record's text. The mail has the bytes of Python's; what the server puts off (4xx), or does not
/// answer, is tried again (see RequestHandler); 5xx means refused. With several recipients it is enough that
/// one is taken: the others are told. A digest is for a MemoryHandler before it: its records, one mail.
/// Source: logging.handlers.SMTPHandler. Differs from Python: TLS that is asked for is verified, and nothing
/// is sent without it; all has a time limit; several mails may go over one connection.
class SMTPHandler : public RequestHandler {
 public:
  /// Throws Error if the options don't go together. Connects later.
  explicit SMTPHandler(SMTPOptions options);
  ~SMTPHandler() override;

  /// The subject of a record's mail; of a digest, its last record's. A line end in it is an error.
  virtual std::string get_subject(const LogRecord& record) const;
  /// The body of a digest: the records' texts, a line end between them.
  virtual std::string digest_text(const std::vector<std::string_view>& texts) const;

  std::string_view class_name() const noexcept override { return "SMTPHandler"; }

 protected:
  std::string make_payload(const LogRecord& record) override;
  RequestResult deliver(const std::deque<std::string>& waiting, std::size_t count,
                        std::chrono::milliseconds timeout) override;
  void disconnect() noexcept override;
  const SMTPOptions& options() const noexcept { return options_; }

 private:
  std::string message(std::string_view subject, std::string_view text) const;
  std::string digest(const std::deque<std::string>& waiting, std::size_t count) const;

  const SMTPOptions options_;
  std::string from_;             // bare
  std::vector<std::string> to_;  // likewise
  std::unique_ptr<net::CurlSmtp> server_;
};

/// What is wrong with the options, as a sentence that begins with the name of one; "": nothing.
std::string wrong_with(const SMTPOptions& options);

}  // namespace abi1
}  // namespace logbus
