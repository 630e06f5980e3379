// SPDX-License-Identifier: MIT
// HTTPHandler with a server that answers as it is told.
#include <logbus/http_handler.h>

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <logbus/error.h>

#include "../record/captured_stderr.h"

namespace logbus::http_handler_test {
namespace {

/// What a handler has asked for, and the responses that it gets.
class TestHTTPHandler : public HTTPHandler {
 public:
  explicit TestHTTPHandler(HTTPOptions options) : HTTPHandler(std::move(options)) {}
  ~TestHTTPHandler() override { close_finally(); }
  std::unique_ptr<HTTPConnection> get_connection(const std::string&, bool) override {
    struct Way : HTTPConnection {
      TestHTTPHandler& owner;
      explicit Way(TestHTTPHandler& of) : owner(of) {}
      HTTPResponse request(const HTTPRequest& request, std::chrono::milliseconds) override {
        owner.requests.push_back(request);
        return owner.response;
      }
    };
    return std::make_unique<Way>(*this);
  }
  void log(std::string_view text) {
    LogRecord record;
    record.msg = text;
    handle(record);
  }
  std::vector<HTTPRequest> requests;
  HTTPResponse response{.status = 200, .retry_after = {}, .body = {}, .error = {}};

 private:
  CapturedStderr quiet_;
};

HTTPOptions http(std::string method = "GET") {
  HTTPOptions options;
  options.host = "localhost:80";
  options.url = "/log";
  options.method = std::move(method);
  return options;
}

TEST(HTTPHandlerTest, TakesResponsesForWhatTheyMean) {
  const auto outcome = [](int status) {
    TestHTTPHandler handler(http());
    handler.response.status = status;
    handler.log("x");
    const bool waits = handler.pending();
    handler.response.status = 200;
    return waits ? "later" : handler.counters().dropped.load() == 0 ? "delivered" : "refused";
  };
  for (const int status : {200, 201, 204, 299}) EXPECT_STREQ(outcome(status), "delivered") << status;
  for (const int status : {300, 302, 307, 400, 401, 404, 413, 418, 499})
    EXPECT_STREQ(outcome(status), "refused") << status;
  for (const int status : {0, 429, 500, 502, 503, 599}) EXPECT_STREQ(outcome(status), "later") << status;
}

TEST(HTTPHandlerTest, TellsNoSecrets) {
  HTTPOptions options = http("POST");
  options.url = "/log?key=secret";
  options.credentials = {"user", "password"};
  TestHTTPHandler handler(options);
  handler.response = {.status = 403, .retry_after = {}, .body = "go\x1b[1m", .error = {}};
  handler.log("x");
  EXPECT_EQ(handler.last_error().text, "POST http://localhost:80/log: the server says 403 'go\\x1b[1m'");
  EXPECT_EQ(handler.requests.at(0).headers.back().second, "Basic dXNlcjpwYXNzd29yZA==");
}

TEST(HTTPHandlerTest, CutsArraysAtTheirLengthAndSize) {
  HTTPOptions options = http("post");
  options.body = HTTPOptions::Body::kJson;
  options.batch = 3;
  TestHTTPHandler handler(options);
  handler.set_formatter(std::make_shared<const Formatter>());
  handler.defer_flush(true);
  const std::string large = '"' + std::string(400'000, 'x') + '"';
  for (const std::string& text : {std::string("1"), std::string("2"), large, large, std::string("5")})
    handler.log(text);
  handler.end_batch();
  ASSERT_EQ(handler.requests.size(), 2U);
  EXPECT_EQ(handler.requests[0].body, "[1,2," + large + "]");
  EXPECT_EQ(handler.requests[1].body, "[" + large + ",5]");
  for (int count = 0; count < 2; ++count) handler.log(large);
  handler.end_batch();
  EXPECT_EQ(handler.requests.size(), 4U) << "two that are too large together";
}

TEST(HTTPHandlerTest, RefusesOptionsThatDoNotGoTogether) {
  const auto wrong = [](void (*change)(HTTPOptions&)) {
    HTTPOptions options = http("POST");
    change(options);
    return wrong_with(options);
  };
  EXPECT_EQ(wrong([](HTTPOptions&) {}), "");
  EXPECT_EQ(wrong([](HTTPOptions& options) { options.host = "[::1]:8080"; }), "");
  EXPECT_NE(wrong([](HTTPOptions& options) { options.host = "user:password@host"; }), "");
  EXPECT_NE(wrong([](HTTPOptions& options) { options.host = "host\r\nX: y"; }), "");
  EXPECT_NE(wrong([](HTTPOptions& options) { options.url = "log"; }), "");
  EXPECT_NE(wrong([](HTTPOptions& options) { options.url = "/log HTTP/1.1\r\n"; }), "");
  EXPECT_NE(wrong([](HTTPOptions& options) { options.method = "PUT"; }), "");
  EXPECT_NE(wrong([](HTTPOptions& options) { options.batch = 2; }), "");
  EXPECT_NE(wrong([](HTTPOptions& options) { options.context = TlsOptions{}; }), "");
  EXPECT_NE(wrong([](HTTPOptions& options) { options.credentials = {"a:b", "c"}; }), "");
  HTTPOptions options = http("PUT");
  EXPECT_THROW(HTTPHandler{options}, Error);
}

}  // namespace
}  // namespace logbus::http_handler_test
