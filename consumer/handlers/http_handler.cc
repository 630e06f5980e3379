// SPDX-License-Identifier: MIT
// HTTPHandler: what is sent, and what the response means.
#include <logbus/http_handler.h>

#include <algorithm>
#include <utility>

#include <logbus/error.h>
#include <logbus/json_formatter.h>

#include "handlers/url_text.h"
#include "net/curl_http.h"
#include "record/record_attribute.h"
#include "record/value_text.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

using Outcome = RequestResult::Outcome;

// Servers refuse large bodies, many of them those above 1 MiB.
constexpr std::size_t kMostBatchBytes = 512 * 1024;

std::string upper(std::string text) {
  for (char& letter : text)
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  return text;
}

bool is_printable(std::string_view text, std::string_view except) {
  return std::all_of(text.begin(), text.end(), [&](char character) {
    return character > ' ' && character < 0x7F && except.find(character) == except.npos;
  });
}

HTTPOptions checked(HTTPOptions options) {
  options.method = upper(std::move(options.method));
  if (const std::string wrong = wrong_with(options); !wrong.empty()) throw Error(wrong);
  return options;
}

}  // namespace

std::string wrong_with(const HTTPOptions& options) {
  const std::string method = upper(options.method);
  const bool json = options.body == HTTPOptions::Body::kJson;
  if (options.host.empty() || !is_printable(options.host, "/@?#\\%\"<>"))
    return "host must be a name or an address, with a port behind it or not: \"logs.example.org:8080\"";
  if (!options.url.starts_with('/') || !is_printable(options.url, "#"))
    return "url must be a path that begins with \"/\", without blanks, \"#\" or letters beyond ASCII";
  if (method != "GET" && method != "POST") return "method must be GET or POST";
  if (!options.secure && options.context) return "context has a meaning only with 'secure: true'";
  if (json && method != "POST") return "body: json needs 'method: POST'";
  if (!json && options.batch != 0) return "batch needs 'body: json'";
  if (options.credentials && options.credentials->first.find(':') != std::string::npos)
    return "credentials: there can be no \":\" in the name of a user";
  return {};
}

HTTPHandler::HTTPHandler(HTTPOptions options)
    : RequestHandler(options.requests, options.batch), options_(checked(std::move(options))) {
  if (options_.body == HTTPOptions::Body::kJson) json_ = std::make_shared<const JsonFormatter>();
}

HTTPHandler::~HTTPHandler() {
  close_finally();
}

Fields HTTPHandler::map_log_record(const LogRecord& record) const {
  Fields fields;
  fields.reserve(record::kRecordAttributes + record.extra.size());
  for (std::size_t index = 0; index < record::kRecordAttributes; ++index) {
    const auto attribute = static_cast<record::Attribute>(index);
    const std::string_view name = record::attribute_name(attribute);
    const Value* given = record::find_field(record.overrides, name);
    fields.emplace_back(name, given != nullptr ? *given : record::attribute_value(record, attribute));
  }
  fields.insert(fields.end(), record.extra.begin(), record.extra.end());
  return fields;
}

std::unique_ptr<HTTPConnection> HTTPHandler::get_connection(const std::string& host, bool secure) {
  const TlsOptions tls = options_.context.value_or(TlsOptions{});
  const bool keep_alive = !options_.requests.compatibility.strict;
  return std::make_unique<net::CurlHttp>(host, secure, tls, keep_alive);
}

std::string HTTPHandler::make_payload(const LogRecord& record) {
  if (json_ == nullptr) return handlers::url_encoded(map_log_record(record));
  const std::shared_ptr<const Formatter> given = formatter();
  return (given != nullptr ? *given : *json_).format(record);
}

std::size_t HTTPHandler::count_together(const std::deque<std::string>& waiting) const {
  const std::size_t most = RequestHandler::count_together(waiting);
  std::size_t count = 1;
  std::size_t bytes = waiting.front().size();
  while (count < most && (bytes += waiting[count].size()) <= kMostBatchBytes) ++count;
  return count;
}

HTTPRequest HTTPHandler::make_request(const std::deque<std::string>& waiting, std::size_t count) const {
  HTTPRequest request{.method = options_.method, .target = options_.url, .headers = {}, .body = {}};
  // In http.client's order.
  request.headers.emplace_back("Accept-Encoding", "identity");
  if (request.method == "GET") {
    request.target += request.target.find('?') == std::string::npos ? '?' : '&';
    request.target += waiting.front();
  } else {
    const bool array = options_.batch != 0;
    if (array) request.body += '[';
    for (std::size_t index = 0; index < count; ++index) {
      if (index != 0) request.body += ',';
      request.body += waiting[index];
    }
    if (array) request.body += ']';
    request.headers.emplace_back("Content-type",
                                 json_ != nullptr ? "application/json" : "application/x-www-form-urlencoded");
    request.headers.emplace_back("Content-length", std::to_string(request.body.size()));
  }
  if (options_.credentials) {
    const auto& [user, password] = *options_.credentials;
    request.headers.emplace_back("Authorization", "Basic " + handlers::base64(user + ":" + password));
  }
  return request;
}

RequestResult HTTPHandler::deliver(const std::deque<std::string>& waiting, std::size_t count,
                                   std::chrono::milliseconds timeout) {
  const HTTPRequest request = make_request(waiting, count);
  if (request.target.size() > net::kMostTargetBytes)
    return {.outcome = Outcome::kTooLarge, .reason = "too large for a GET", .wait = {}};
  if (connection_ == nullptr) connection_ = get_connection(options_.host, options_.secure);
  const HTTPResponse response = connection_->request(request, timeout);
  if (options_.requests.compatibility.strict && response.status != 0) return {};
  return judge(response);
}

// Of the url nothing but the path is told: people put keys behind it.
RequestResult HTTPHandler::judge(const HTTPResponse& response) const {
  const int status = response.status;
  if (status >= 200 && status < 300) return {};
  std::string reason = options_.method + (options_.secure ? " https://" : " http://") + options_.host +
                       options_.url.substr(0, options_.url.find('?')) + ": ";
  if (status == 0) return {.outcome = Outcome::kUnanswered, .reason = reason + response.error, .wait = {}};
  reason += "the server says " + std::to_string(status);
  if (!response.body.empty()) {
    reason += ' ';
    record::append_string_repr(response.body, reason);
  }
  const bool put_off = status == 429 || status >= 500;
  return {.outcome = put_off ? Outcome::kPutOff : Outcome::kRefused,
          .reason = std::move(reason),
          .wait = response.retry_after};
}

}  // namespace abi1
}  // namespace logbus
