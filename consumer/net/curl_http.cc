// SPDX-License-Identifier: MIT
#include "net/curl_http.h"

#include <algorithm>
#include <string_view>

#include <logbus/error.h>

#include "net/curl_easy.h"

namespace logbus::net {

struct CurlHttp::Reading {
  CurlEasy& curl;
  HTTPResponse response = {};
  std::size_t header_bytes = 0;
  std::size_t body_bytes = 0;
  const char* too_large = nullptr;
};

CurlHttp::CurlHttp(const std::string& host, bool secure, const TlsOptions& tls, bool keep_alive)
    : curl_(std::make_unique<CurlEasy>(secure ? "https" : "http")) {
  curl_->set(CURLOPT_URL, (secure ? "https://" : "http://") + host + "/");
  curl_->set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_->set(CURLOPT_TCP_KEEPALIVE, 1L);
  curl_->set(CURLOPT_FORBID_REUSE, keep_alive ? 0L : 1L);
  curl_->set(CURLOPT_FRESH_CONNECT, keep_alive ? 0L : 1L);
  curl_->set(CURLOPT_HEADERFUNCTION, &CurlHttp::read_header);
  curl_->set(CURLOPT_WRITEFUNCTION, &CurlHttp::read_body);
  if (secure) curl_->set_tls(tls);
}

CurlHttp::~CurlHttp() = default;

HTTPResponse CurlHttp::request(const HTTPRequest& request, std::chrono::milliseconds timeout) {
  if (request.target.size() > kMostTargetBytes) throw Error("the request's target is too long");
  CurlList headers;
  // What libcurl would send by itself.
  for (const char* own : {"User-Agent:", "Accept:", "Expect:"}) append(headers, own);
  for (const auto& [name, value] : request.headers) append(headers, name + ": " + value);
  Reading reading{*curl_};
  curl_->set(CURLOPT_HTTPHEADER, headers.get());
  curl_->set(CURLOPT_HEADERDATA, &reading);
  curl_->set(CURLOPT_WRITEDATA, &reading);
  curl_->set(CURLOPT_REQUEST_TARGET, request.target);
  if (request.method == "POST") {
    curl_->set(CURLOPT_POST, 1L);
    curl_->set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
    curl_->set(CURLOPT_POSTFIELDS, request.body.data());  // not copied
  } else {
    curl_->set(CURLOPT_HTTPGET, 1L);
  }
  std::string error = curl_->perform(timeout);
  curl_->set(CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
  reading.response.error = reading.too_large != nullptr ? reading.too_large : std::move(error);
  if (reading.response.status != 0)
    reading.response.retry_after = std::chrono::seconds(curl_->info<curl_off_t>(CURLINFO_RETRY_AFTER));
  return std::move(reading.response);
}

// A line at a time. The response counts from the empty one on.
std::size_t CurlHttp::read_header(char* bytes, std::size_t size, std::size_t count, void* data) {
  Reading& reading = *static_cast<Reading*>(data);
  reading.header_bytes += size * count;
  if (reading.header_bytes > kMostHeaderBytes) {
    reading.too_large = "the response's headers are too large";
    return 0;
  }
  const std::string_view line(bytes, size * count);
  if (line == "\r\n" || line == "\n") {
    const long status = reading.curl.info<long>(CURLINFO_RESPONSE_CODE);
    if (status >= 200) reading.response.status = static_cast<int>(status);
  }
  return size * count;
}

std::size_t CurlHttp::read_body(char* bytes, std::size_t size, std::size_t count, void* data) {
  Reading& reading = *static_cast<Reading*>(data);
  reading.body_bytes += size * count;
  std::string& kept = reading.response.body;
  kept.append(bytes, std::min(size * count, kBodyPrefix - std::min(kept.size(), kBodyPrefix)));
  if (reading.body_bytes <= kMostBodyBytes) return size * count;
  reading.too_large = "the response's body is too large";
  return 0;
}

}  // namespace logbus::net
