// SPDX-License-Identifier: MIT
// SocketHandler and DatagramHandler in a configuration: what is made, and what is said.
#include <gtest/gtest.h>

#include <logbus/datagram_handler.h>
#include <logbus/socket_handler.h>

#include "config_text.h"

namespace logbus::sidecar::socket_kind_test {
namespace {

Lines said_about(const std::string& keys) {
  Lines lines =
      wrong_with("version: 1\nhandlers:\n  s: {class: logging.handlers.SocketHandler, " + keys + "}\n");
  for (std::string& line : lines) line = line.substr(line.find(": ") + 2);  // the place is not this test's
  return lines;
}

TEST(SocketKindTest, MakesHandlersOfTheSettings) {
  const Configuration configuration = good(R"(
version: 1
handlers:
  a:
    class: logging.handlers.SocketHandler
    host: logs.example
    port: ext://logging.handlers.DEFAULT_TCP_LOGGING_PORT
    timeout: 0.25
    backlog: 4 MiB
    codec: msgpack
    .: {closeOnError: true, retryStart: 0.5, retryFactor: 3, retryMax: 60.0}
  b: {class: logging.handlers.DatagramHandler, host: /run/logs, port: null, timeout: 20 ms}
)");
  ASSERT_EQ(configuration.handlers.size(), 2U);
  for (const HandlerSettings& handler : configuration.handlers) EXPECT_TRUE(handler.network);
  const auto a = std::dynamic_pointer_cast<SocketHandler>(configuration.handlers[0].make({}));
  ASSERT_NE(a, nullptr);
  EXPECT_EQ(a->host(), "logs.example");
  EXPECT_EQ(a->port(), 9020);
  EXPECT_TRUE(a->close_on_error());
  const auto b = std::dynamic_pointer_cast<DatagramHandler>(configuration.handlers[1].make({}));
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->port(), std::nullopt);
  EXPECT_FALSE(b->close_on_error());
}

TEST(SocketKindTest, SaysWhatIsWrong) {
  EXPECT_EQ(said_about("port: 1"), Lines{"handlers.s: the key 'host' is missing"});
  EXPECT_EQ(said_about("host: h"), Lines{"handlers.s: the key 'port' is missing"});
  EXPECT_EQ(said_about("host: null, port: 1"),
            Lines{"handlers.s.host: expected a host's name or address, got null"});
  EXPECT_EQ(said_about("host: h, port: 65536"),
            Lines{"handlers.s.port: expected an integer from 1 to 65535, got an integer 65536"});
  EXPECT_EQ(said_about("port: null, host: /" + std::string(106, 'x')), Lines{});
  EXPECT_EQ(said_about("port: null, host: /" + std::string(107, 'x')).size(), 1U);
  EXPECT_EQ(said_about("host: h, port: 1, timeout: 0"),
            Lines{"handlers.s.timeout: expected 0.001 to 3600 seconds, got an integer 0"});
  EXPECT_EQ(
      said_about("host: h, port: 1, timeout: soon"),
      Lines{"handlers.s.timeout: expected a duration with its unit, such as \"50 ms\" or \"10 s\", got a "
            "string \"soon\""});
  EXPECT_EQ(said_about("host: h, port: 1, codec: json"),
            Lines{"handlers.s.codec: expected pickle or msgpack, got a string \"json\""});
  EXPECT_EQ(said_about("host: h, port: 1, '.': {retryMax: -1}"),
            Lines{"handlers.s...retryMax: expected a number of at least 0, got an integer -1"});
  EXPECT_EQ(said_about("host: h, port: 1, retryMax: 1").size(), 1U);  // it belongs under the dot
}

}  // namespace
}  // namespace logbus::sidecar::socket_kind_test
