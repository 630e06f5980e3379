// SPDX-License-Identifier: MIT
// Requests to one HTTP server.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

struct HTTPRequest {
  std::string method;                                        // GET or POST
  std::string target;                                        // sent as it is
  std::vector<std::pair<std::string, std::string>> headers;  // beside Host, in their order
  std::string body;
};

struct HTTPResponse {
  int status = 0;                      // 0: there was none
  std::chrono::seconds retry_after{};  // what the server asks for; 0: nothing, or what has passed
  std::string body;                    // its beginning
  std::string error;                   // why there is no response, or not all of it
};

/// A way to a server. Override it to go another one: a proxy, an encryption. One thread at a time.
class HTTPConnection {
 public:
  virtual ~HTTPConnection() = default;
  /// Sends the request and reads the response, both within `timeout`. Redirects are not followed. May throw
  /// Error for a request that can't be sent at all.
  virtual HTTPResponse request(const HTTPRequest& request, std::chrono::milliseconds timeout) = 0;
};

}  // namespace abi1
}  // namespace logbus
