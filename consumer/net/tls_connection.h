// SPDX-License-Identifier: MIT
// Connection over TLS.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include <logbus/error.h>
#include <logbus/tls.h>

#include "base/unique_fd.h"
#include "net/socket_connection.h"

namespace logbus::net {

/// What TLS makes of the bytes is longer, and goes in records of up to 16 KiB. Which of the bytes have
/// arrived is known by records:
///
///   bytes sent          [ aaaaaaaa | bbbbbbbb | cc ]
///   bytes on the wire   [ handshake | AAAAAAAAA | BBBBBBBBB | CCC ]
///                                        ^ acknowledged: a has arrived, b and c may not have
class TlsConnection : public Connection {
 public:
  /// `fd` is connected and does not block. Shakes hands; throws Error.
  TlsConnection(base::UniqueFd fd, std::string name, const std::string& host, const TlsOptions& options,
                Deadline deadline);
  ~TlsConnection() override;

  std::size_t send(std::string_view bytes, std::chrono::milliseconds timeout) override;
  std::size_t unacknowledged() const noexcept override;
  void check() override;

 private:
  struct FreeSession {
    void operator()(SSL* session) const noexcept { SSL_free(session); }
  };
  struct Record {
    std::uint64_t end;       // of its bytes, in all that was sent
    std::uint64_t wire_end;  // where it ends on the wire
  };

  void shake_hands(const TlsOptions& options, Deadline deadline);
  void await_verdict(Deadline deadline);
  bool await_progress(int result, Deadline deadline);
  bool goes_on(int result, Deadline deadline, std::size_t taken);
  [[noreturn]] void fail(int result);
  std::uint64_t wire_bytes() const noexcept;

  base::UniqueFd fd_;
  std::string name_;
  std::unique_ptr<SSL, FreeSession> session_;
  bool asked_who_we_are_ = false;
  bool broken_ = false;
  std::optional<Error> failure_;  // why send() took less than all: the next call says so
  std::uint64_t sent_ = 0;
  mutable std::uint64_t arrived_ = 0;
  mutable std::deque<Record> records_;  // that may not have arrived
};

}  // namespace logbus::net
