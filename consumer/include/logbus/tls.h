// SPDX-License-Identifier: MIT
// TLS over TCP, as a Connection.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include <logbus/connection.h>
#include <logbus/detail/abi.h>
#include <logbus/error.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Whom to trust, and who one is. The names are those of Python's ssl module. All files are PEM.
struct TlsOptions {
  std::string ca_certs = {};         // a file, or a folder of hashed names; "": the system's
  std::string certfile = {};         // one's own certificate and its chain; "": none
  std::string keyfile = {};          // its key, not encrypted; "": in certfile too
  std::string server_hostname = {};  // that the server's certificate must be for; "": the host's
  bool verify = true;                // false: any certificate will do, and anybody may listen
};

/// A file of TlsOptions can't be used.
class TlsFileError : public Error {
 public:
  TlsFileError(std::string option, const std::string& sentence)
      : Error(sentence), option_(std::move(option)) {}
  /// "ca_certs".
  const std::string& option() const noexcept { return option_; }

 private:
  std::string option_;
};

/// Reads the files, and throws TlsFileError if they can't be used.
void check_tls_files(const TlsOptions& options);

/// TLS 1.2 or newer with a server whose certificate is valid for its name. `timeout` is for all of it. Reads
/// the files each time, so that a new certificate is used from the next connection on. Throws Error that
/// names host, port and what is wrong with the certificate. Differs from a plain Connection: when send() has
/// taken less than all, its next call must begin with the bytes that are left.
std::unique_ptr<Connection> connect_tls(const std::string& host, std::uint16_t port,
                                        const TlsOptions& options, std::chrono::milliseconds timeout,
                                        std::chrono::milliseconds acknowledge_timeout = kAcknowledgeTimeout);

}  // namespace abi1
}  // namespace logbus
