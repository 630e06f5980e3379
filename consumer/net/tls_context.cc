// SPDX-License-Identifier: MIT
#include "net/tls_context.h"

#include <openssl/err.h>
#include <sys/stat.h>

#include <cerrno>
#include <new>
#include <system_error>

namespace logbus {
namespace net {
namespace {

[[noreturn]] void refuse_file(std::string option, const std::string& path, const std::string& what) {
  // OpenSSL's own text for a file that isn't there is about its BIO.
  struct stat status {};
  std::string reason = take_tls_error();
  if (::stat(path.c_str(), &status) != 0) reason = std::generic_category().message(errno);
  throw TlsFileError(std::move(option), "cannot use " + path + " as " + what + ": " + reason);
}

// OpenSSL would ask on the terminal.
int no_password(char*, int, int, void*) {
  return -1;
}

void load_trusted(SSL_CTX* context, const TlsOptions& options) {
  if (options.ca_certs.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) != 1)
      throw TlsFileError("ca_certs", "cannot use the system's certificates: " + take_tls_error());
    return;
  }
  struct stat status {};
  const bool is_folder = ::stat(options.ca_certs.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
  const int loaded = is_folder ? SSL_CTX_load_verify_dir(context, options.ca_certs.c_str())
                               : SSL_CTX_load_verify_file(context, options.ca_certs.c_str());
  if (loaded != 1) refuse_file("ca_certs", options.ca_certs, "trusted certificates");
}

}  // namespace

std::string take_tls_error() {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  if (code == 0) return {};
  const char* const reason = ERR_reason_error_string(code);
  return reason != nullptr ? reason : "error " + std::to_string(code);
}

TlsContext make_tls_context(const TlsOptions& options) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (context == nullptr) throw Error("TLS: " + take_tls_error());
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context.get(), options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_default_passwd_cb(context.get(), no_password);
  if (options.verify) load_trusted(context.get(), options);
  if (options.certfile.empty()) return context;
  if (SSL_CTX_use_certificate_chain_file(context.get(), options.certfile.c_str()) != 1)
    refuse_file("certfile", options.certfile, "a certificate");
  const bool is_apart = !options.keyfile.empty();
  const std::string& key = is_apart ? options.keyfile : options.certfile;
  if (SSL_CTX_use_PrivateKey_file(context.get(), key.c_str(), SSL_FILETYPE_PEM) != 1)
    refuse_file(is_apart ? "keyfile" : "certfile", key, "a private key without a password");
  if (SSL_CTX_check_private_key(context.get()) != 1) {
    ERR_clear_error();
    throw TlsFileError(is_apart ? "keyfile" : "certfile",
                       key + " is not the key of the certificate in " + options.certfile);
  }
  return context;
}

}  // namespace net

inline namespace abi1 LOGBUS_ABI {

void check_tls_files(const TlsOptions& options) {
  (void)net::make_tls_context(options);
}

}  // namespace abi1
}  // namespace logbus
