// SPDX-License-Identifier: MIT
// OpenSSL's context and errors: what every TLS connection begins with.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

#include <logbus/tls.h>

namespace logbus::net {

struct FreeContext {
  void operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }
};
using TlsContext = std::unique_ptr<SSL_CTX, FreeContext>;

/// For a client. Throws TlsFileError.
TlsContext make_tls_context(const TlsOptions& options);

/// The first of OpenSSL's errors on this thread, where it all began, in words; forgets all. "" if there is
/// none.
std::string take_tls_error();

}  // namespace logbus::net
