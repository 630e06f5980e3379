// SPDX-License-Identifier: MIT
// HTTP/1.1 to one host by libcurl.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include <logbus/http_connection.h>
#include <logbus/tls.h>

namespace logbus::net {

class CurlEasy;

/// What a server may send, whatever it wants to: beyond it the connection is closed.
inline constexpr std::size_t kMostHeaderBytes = 64 * 1024;
inline constexpr std::size_t kMostBodyBytes = 64 * 1024;
/// What of a body is given to the caller.
inline constexpr std::size_t kBodyPrefix = 256;
/// libcurl keeps a request's head in one buffer, and this is its limit for it.
inline constexpr std::size_t kMostTargetBytes = 1'000'000;

/// Keeps its connection open from request to request, and opens it anew where the server has closed it.
class CurlHttp : public HTTPConnection {
 public:
  /// `host`: a name or an address, `host:port`, `[::1]:port`. Throws Error. With `keep_alive` false, each
  /// request has a connection of its own.
  CurlHttp(const std::string& host, bool secure, const TlsOptions& tls, bool keep_alive);
  ~CurlHttp() override;

  HTTPResponse request(const HTTPRequest& request, std::chrono::milliseconds timeout) override;

 private:
  struct Reading;
  static std::size_t read_header(char* bytes, std::size_t size, std::size_t count, void* reading);
  static std::size_t read_body(char* bytes, std::size_t size, std::size_t count, void* reading);

  std::unique_ptr<CurlEasy> curl_;
};

}  // namespace logbus::net
