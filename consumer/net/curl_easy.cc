// SPDX-License-Identifier: MIT
#include "net/curl_easy.h"

#include <algorithm>
#include <filesystem>
#include <new>

#include <logbus/error.h>

namespace logbus::net {
namespace {

// Once in the process, and never undone: handlers of static storage deliver from their destructors.
void initialize() {
  static const CURLcode code = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (code != CURLE_OK) throw Error(std::string("libcurl: ") + curl_easy_strerror(code));
}

CURL* make_handle() {
  initialize();
  CURL* const handle = curl_easy_init();
  if (handle == nullptr) throw std::bad_alloc();
  return handle;
}

}  // namespace

void append(CurlList& list, const std::string& text) {
  curl_slist* const longer = curl_slist_append(list.get(), text.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  (void)list.release();  // it is a part of the longer one
  list.reset(longer);
}

CurlEasy::CurlEasy(const char* protocols) : handle_(make_handle()) {
  try {
    set(CURLOPT_ERRORBUFFER, error_);
    set(CURLOPT_NOSIGNAL, 1L);
    // A resolver that hangs is left behind on its thread, and not waited for beyond the timeout.
    set(CURLOPT_QUICK_EXIT, 1L);
    set(CURLOPT_PROTOCOLS_STR, protocols);
    set(CURLOPT_REDIR_PROTOCOLS_STR, protocols);
    set(CURLOPT_FOLLOWLOCATION, 0L);
    set(CURLOPT_PROXY, "");  // nor the environment's
    set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  } catch (...) {
    curl_easy_cleanup(handle_);
    throw;
  }
}

CurlEasy::~CurlEasy() {
  curl_easy_cleanup(handle_);
}

void CurlEasy::set_tls(const TlsOptions& tls) {
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set(CURLOPT_SSL_VERIFYPEER, tls.verify ? 1L : 0L);
  set(CURLOPT_SSL_VERIFYHOST, tls.verify ? 2L : 0L);
  if (!tls.ca_certs.empty()) {  // these and no others
    const bool folder = std::filesystem::is_directory(tls.ca_certs);
    set(CURLOPT_CAINFO, folder ? nullptr : tls.ca_certs.c_str());
    set(CURLOPT_CAPATH, folder ? tls.ca_certs.c_str() : nullptr);
  }
  if (!tls.certfile.empty()) {
    set(CURLOPT_SSLCERT, tls.certfile);
    set(CURLOPT_SSLKEY, tls.keyfile.empty() ? tls.certfile : tls.keyfile);
  }
}

std::string CurlEasy::perform(std::chrono::milliseconds timeout) {
  const long limit = static_cast<long>(std::max<std::chrono::milliseconds::rep>(timeout.count(), 1));
  set(CURLOPT_TIMEOUT_MS, limit);  // 0 would mean none
  set(CURLOPT_CONNECTTIMEOUT_MS, limit);
  error_[0] = '\0';
  const CURLcode code = curl_easy_perform(handle_);
  unanswered_ = code == CURLE_OPERATION_TIMEDOUT || code == CURLE_RECV_ERROR;
  if (code == CURLE_OK) return {};
  return error_[0] != '\0' ? error_ : curl_easy_strerror(code);
}

void CurlEasy::check(CURLcode code) {
  if (code == CURLE_OUT_OF_MEMORY) throw std::bad_alloc();
  if (code != CURLE_OK) throw Error(std::string("libcurl: ") + curl_easy_strerror(code));
}

}  // namespace logbus::net
