// SPDX-License-Identifier: MIT
#include "net/tls_connection.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

#include "net/tls_context.h"

namespace logbus {
namespace net {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// OpenSSL's own BIO for sockets uses write(2), which raises SIGPIPE.
int descriptor_of(BIO* bio) {
  return static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio)));
}

int finish(BIO* bio, ssize_t done, int retry_flag) {
  BIO_clear_retry_flags(bio);
  if (done < 0 && (errno == EAGAIN || errno == EINTR))
    BIO_set_flags(bio, retry_flag | BIO_FLAGS_SHOULD_RETRY);
  return static_cast<int>(done);
}

int write_bytes(BIO* bio, const char* bytes, int size) {
  return finish(bio, ::send(descriptor_of(bio), bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL),
                BIO_FLAGS_WRITE);
}

int read_bytes(BIO* bio, char* bytes, int size) {
  const ssize_t got = ::recv(descriptor_of(bio), bytes, static_cast<std::size_t>(size), 0);
  if (got == 0) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  return finish(bio, got, BIO_FLAGS_READ);
}

long control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* socket_method() {
  static BIO_METHOD* const method = [] {  // never freed: connections may outlive statics
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "logbus socket");
    if (made == nullptr) throw std::bad_alloc();
    BIO_meth_set_write(made, write_bytes);
    BIO_meth_set_read(made, read_bytes);
    BIO_meth_set_ctrl(made, control);
    return made;
  }();
  return method;
}

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address;
  return ::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1;
}

// Whom the certificate must be for, and, if that is a name, which of its certificates the server is to show.
void expect_host(SSL* session, const std::string& host, bool verify) {
  X509_VERIFY_PARAM* const expected = SSL_get0_param(session);
  X509_VERIFY_PARAM_set_hostflags(expected, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool address = is_address(host);
  bool done = true;
  if (verify) {
    done = address ? X509_VERIFY_PARAM_set1_ip_asc(expected, host.c_str()) == 1
                   : X509_VERIFY_PARAM_set1_host(expected, host.data(), host.size()) == 1;
  }
  if (done && !address) done = SSL_set_tlsext_host_name(session, host.c_str()) == 1;
  if (!done) throw Error("TLS: no server can have the name '" + host + "'");
}

int note_request(SSL*, void* asked) {
  *static_cast<bool*>(asked) = true;
  return 1;
}

}  // namespace

TlsConnection::TlsConnection(base::UniqueFd fd, std::string name, const std::string& host,
                             const TlsOptions& options, Deadline deadline)
    : fd_(std::move(fd)), name_(std::move(name)) {
  const TlsContext context = make_tls_context(options);
  session_.reset(SSL_new(context.get()));  // it keeps the context
  BIO* const bio = session_ != nullptr ? BIO_new(socket_method()) : nullptr;
  if (bio == nullptr) throw std::bad_alloc();
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(fd_.get())));
  BIO_set_init(bio, 1);
  SSL_set_bio(session_.get(), bio, bio);
  SSL_set_cert_cb(session_.get(), note_request, &asked_who_we_are_);
  expect_host(session_.get(), options.server_hostname.empty() ? host : options.server_hostname,
              options.verify);
  shake_hands(options, deadline);
}

TlsConnection::~TlsConnection() {
  ERR_clear_error();
  if (!broken_) (void)SSL_shutdown(session_.get());  // says goodbye, and waits for no answer
  ERR_clear_error();
}

void TlsConnection::shake_hands(const TlsOptions& options, Deadline deadline) {
  for (;;) {
    ERR_clear_error();
    const int result = SSL_connect(session_.get());
    if (result == 1) break;
    const long verdict = SSL_get_verify_result(session_.get());
    if (options.verify && verdict != X509_V_OK) {
      broken_ = true;
      throw Error("cannot trust " + name_ + ": " + X509_verify_cert_error_string(verdict));
    }
    if (!await_progress(result, deadline)) {
      broken_ = true;
      throw Error(ETIMEDOUT, "no TLS handshake with " + name_);
    }
  }
  await_verdict(deadline);
}

// With TLS 1.3 the client is through before the server has looked at its certificate. What is sent meanwhile
// would be taken, and lost if the server doesn't like it. Most servers send something when they do.
void TlsConnection::await_verdict(Deadline deadline) {
  constexpr milliseconds kMost{300};
  if (!asked_who_we_are_ || SSL_version(session_.get()) < TLS1_3_VERSION) return;
  if (wait_for(fd_.get(), POLLIN, std::min(deadline, Clock::now() + kMost))) check();
}

// After a call of OpenSSL's that gave `result`: waits until it is worth another one. False: the time is up.
bool TlsConnection::await_progress(int result, Deadline deadline) {
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return wait_for(fd_.get(), POLLIN, deadline);
    case SSL_ERROR_WANT_WRITE:
      return wait_for(fd_.get(), POLLOUT, deadline);
    default:
      fail(result);
  }
}

void TlsConnection::fail(int result) {
  const int error = errno;
  const int kind = SSL_get_error(session_.get(), result);
  broken_ = true;
  if (kind == SSL_ERROR_ZERO_RETURN) throw Error(name_ + ": closed by the other side");
  // Who only leaves out the goodbye, as many do, has read what arrived; who sends an alert has not.
  const bool is_end = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
  const std::string reason = take_tls_error();
  if (!reason.empty()) throw Error(is_end ? 0 : EPROTO, name_ + ": TLS: " + reason);
  if (kind == SSL_ERROR_SYSCALL && error != 0) throw Error(error, name_);
  throw Error(name_ + ": closed by the other side");
}

std::size_t TlsConnection::send(std::string_view bytes, milliseconds timeout) {
  if (failure_) throw Error(*failure_);
  const auto deadline = Clock::now() + timeout;
  std::size_t taken = 0;
  while (taken < bytes.size()) {
    ERR_clear_error();
    errno = 0;
    std::size_t written = 0;
    const int result = SSL_write_ex(session_.get(), bytes.data() + taken, bytes.size() - taken, &written);
    if (result == 1) {
      taken += written;
      sent_ += written;
      records_.push_back({sent_, wire_bytes()});
    } else if (!goes_on(result, deadline, taken)) {
      break;
    }
  }
  return taken;
}

// False: the time is up, or the connection is broken, and the next call says so.
bool TlsConnection::goes_on(int result, Deadline deadline, std::size_t taken) {
  try {
    return await_progress(result, deadline);
  } catch (const Error& error) {
    if (taken == 0) throw;
    failure_ = error;
    return false;
  }
}

std::uint64_t TlsConnection::wire_bytes() const noexcept {
  return BIO_number_written(SSL_get_wbio(session_.get()));
}

std::size_t TlsConnection::unacknowledged() const noexcept {
  if (failure_) return std::numeric_limits<std::size_t>::max();
  const std::uint64_t waiting = unacknowledged_bytes(fd_.get());
  const std::uint64_t wire = wire_bytes();
  for (; !records_.empty() && records_.front().wire_end + waiting <= wire; records_.pop_front())
    arrived_ = records_.front().end;
  return static_cast<std::size_t>(sent_ - arrived_);
}

void TlsConnection::check() {
  if (failure_) throw Error(*failure_);
  constexpr int kMostReads = 16;
  std::array<char, 4096> unread;
  for (int i = 0; i < kMostReads; ++i) {
    ERR_clear_error();
    errno = 0;
    std::size_t got = 0;
    const int result = SSL_read_ex(session_.get(), unread.data(), unread.size(), &got);
    if (result == 1) continue;
    const int kind = SSL_get_error(session_.get(), result);
    if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) return;
    fail(result);
  }
}

}  // namespace net

inline namespace abi1 LOGBUS_ABI {

std::unique_ptr<Connection> connect_tls(const std::string& host, std::uint16_t port,
                                        const TlsOptions& options, std::chrono::milliseconds timeout,
                                        std::chrono::milliseconds acknowledge_timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  return std::make_unique<net::TlsConnection>(net::open_tcp(host, port, timeout, acknowledge_timeout),
                                              net::host_and_port(host, port), host, options, deadline);
}

}  // namespace abi1
}  // namespace logbus
