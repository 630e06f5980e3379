// SPDX-License-Identifier: MIT
// A handle of libcurl with what all our transfers have in common. Only curl_*.cc includes this.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <memory>
#include <string>

#include <logbus/tls.h>

namespace logbus::net {

/// Frees what curl_slist_append() made.
struct FreeList {
  void operator()(curl_slist* list) const noexcept { curl_slist_free_all(list); }
};
using CurlList = std::unique_ptr<curl_slist, FreeList>;
/// Throws std::bad_alloc.
void append(CurlList& list, const std::string& text);

/// One easy handle: no signals, no proxy, no file but those of TLS, no protocol but the one. Connections that
/// it has made are used again. One thread at a time.
class CurlEasy {
 public:
  /// `protocols`: as CURLOPT_PROTOCOLS_STR takes them. Throws Error.
  explicit CurlEasy(const char* protocols);
  ~CurlEasy();
  CurlEasy(const CurlEasy&) = delete;
  CurlEasy& operator=(const CurlEasy&) = delete;

  /// Throws Error if this libcurl does not know the option, or the value is longer than it takes.
  template <class Parameter>
  void set(CURLoption option, Parameter parameter) {
    check(curl_easy_setopt(handle_, option, parameter));
  }
  void set(CURLoption option, const std::string& text) { set(option, text.c_str()); }
  void set_tls(const TlsOptions& tls);

  /// All of it is over when `timeout` is, name resolution included. "": done, else why it was not.
  std::string perform(std::chrono::milliseconds timeout);
  /// The last perform() has waited for the server's next word in vain.
  bool unanswered() const noexcept { return unanswered_; }

  template <class Result>
  Result info(CURLINFO name) const {
    Result result{};
    curl_easy_getinfo(handle_, name, &result);
    return result;
  }

 private:
  static void check(CURLcode code);

  CURL* handle_;
  char error_[CURL_ERROR_SIZE] = {};
  bool unanswered_ = false;
};

}  // namespace logbus::net
