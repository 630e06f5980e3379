// SPDX-License-Identifier: MIT
// Python's HTTPHandler.
#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <logbus/detail/abi.h>
#include <logbus/http_connection.h>
#include <logbus/log_record.h>
#include <logbus/request_handler.h>
#include <logbus/tls.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Arguments of an HTTPHandler: the first six are Python's.
struct HTTPOptions {
  std::string host;                                                     // "name", "name:port", "[::1]:port"
  std::string url;                                                      // begins with "/"
  std::string method = "GET";                                           // or "POST", in any letters
  bool secure = false;                                                  // https
  std::optional<std::pair<std::string, std::string>> credentials = {};  // user and password: Basic
  std::optional<TlsOptions> context = {};  // with `secure` alone; its server_hostname is not used
  enum class Body { kForm, kJson };
  Body body = Body::kForm;  // kJson: with POST alone
  std::size_t batch = 0;    // of kJson: up to so many records go as one array; 0: each as an object
  RequestOptions requests = {};
};

/// Sends each record as a form: GET puts it behind the url, POST into the body. With Body::kJson, the record
/// is what the formatter makes of it, by default a JsonFormatter. Any 2xx means delivered; 429, 5xx and no
/// response are tried again (see RequestHandler), after the server's Retry-After; anything else, a redirect
/// too, is refused and told with the response's first bytes. Source: logging.handlers.HTTPHandler. Differs
/// from Python: one connection is used again; all has a time limit; Python never looks at the response, and
/// so it is here if the compatibility of `requests` is strict.
class HTTPHandler : public RequestHandler {
 public:
  /// Throws Error if the options don't go together. Connects later.
  explicit HTTPHandler(HTTPOptions options);
  ~HTTPHandler() override;

  /// What is sent of a record as a form: Python's attributes, then the extra fields.
  virtual Fields map_log_record(const LogRecord& record) const;
  /// A way to the server; once, before the first try.
  virtual std::unique_ptr<HTTPConnection> get_connection(const std::string& host, bool secure);

  std::string_view class_name() const noexcept override { return "HTTPHandler"; }

 protected:
  std::string make_payload(const LogRecord& record) override;
  std::size_t count_together(const std::deque<std::string>& waiting) const override;
  RequestResult deliver(const std::deque<std::string>& waiting, std::size_t count,
                        std::chrono::milliseconds timeout) override;
  const HTTPOptions& options() const noexcept { return options_; }

 private:
  HTTPRequest make_request(const std::deque<std::string>& waiting, std::size_t count) const;
  RequestResult judge(const HTTPResponse& response) const;

  const HTTPOptions options_;
  std::shared_ptr<const Formatter> json_;  // null: forms
  std::unique_ptr<HTTPConnection> connection_;
};

/// What is wrong with the options, as a sentence that begins with the name of one; "": nothing.
std::string wrong_with(const HTTPOptions& options);

}  // namespace abi1
}  // namespace logbus
