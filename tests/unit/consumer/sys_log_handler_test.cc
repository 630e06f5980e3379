// SPDX-License-Identifier: MIT
// SysLogHandler's messages, byte by byte. That servers understand them is tests/process/net_syslog.py's.
#include <logbus/sys_log_handler.h>

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <utility>

#include <logbus/error.h>

#include "handlers/sys_log_message.h"

namespace logbus {
namespace {

using namespace std::literals;

class Wire : public Connection {
 public:
  explicit Wire(std::string& got) : got_(got) {}
  std::size_t send(std::string_view bytes, std::chrono::milliseconds) override {
    got_ += bytes;
    return bytes.size();
  }
  std::size_t unacknowledged() const noexcept override { return 0; }
  void check() override {}

 private:
  std::string& got_;
};

class Captured : public SysLogHandler {
 public:
  explicit Captured(SysLogOptions options = {}) : SysLogHandler(std::move(options), NoSocket()) {}
  std::string sent(const LogRecord& record) {
    got.clear();
    EXPECT_TRUE(handle(record));
    return got;
  }
  std::string got;
  int sockets = 0;

 protected:
  std::unique_ptr<Connection> create_socket() override {
    ++sockets;
    return std::make_unique<Wire>(got);
  }
};

LogRecord record_of(std::string_view message, std::string_view level = "INFO") {
  LogRecord record;
  record.name = "app.db";
  record.msg = message;
  record.levelname = level;
  record.process = 4711;
  record.process_name = "shop";
  record.created_ns = 1'772'352'842'118'204'999;
  return record;
}

SysLogOptions stream(SysLogFraming framing) {
  return {.socket_type = SysLogOptions::SocketType::kStream, .framing = framing};
}

SysLogOptions rfc5424() {
  return {.rfc5424 = true, .hostname = "host.example"};
}

constexpr std::string_view kHeader = "<14>1 2026-03-01T08:14:02.118204Z host.example shop 4711 app.db ";

TEST(SysLogHandlerTest, SendsPriorityTextAndNul) {
  Captured handler;
  EXPECT_EQ(handler.sent(record_of("text")), "<14>text\0"sv);
}

TEST(SysLogHandlerTest, TakesThePriorityFromTheLevelsName) {
  Captured handler({.facility = 19});
  const std::array<std::pair<std::string_view, std::string_view>, 6> expected{{{"DEBUG", "<159>"},
                                                                               {"INFO", "<158>"},
                                                                               {"WARNING", "<156>"},
                                                                               {"ERROR", "<155>"},
                                                                               {"CRITICAL", "<154>"},
                                                                               {"NOTICE", "<156>"}}};
  for (const auto& [level, priority] : expected)
    EXPECT_EQ(handler.sent(record_of("", level)), std::string(priority) + '\0') << level;
}

TEST(SysLogHandlerTest, KnowsPythonsNames) {
  EXPECT_EQ(SysLogHandler::facility_code("kern"), 0);
  EXPECT_EQ(SysLogHandler::facility_code("solaris-cron"), 15);
  EXPECT_EQ(SysLogHandler::facility_code("local7"), 23);
  EXPECT_EQ(SysLogHandler::facility_code("LOCAL7"), std::nullopt);
  EXPECT_EQ(SysLogHandler::priority_code("panic"), 0);
  EXPECT_EQ(SysLogHandler::priority_code("notice"), 5);
  EXPECT_EQ(SysLogHandler::priority_code("INFO"), std::nullopt);
}

TEST(SysLogHandlerTest, PutsIdentFirstAndLeavesTheNulOut) {
  Captured handler;
  handler.set_ident("häm-späm ");
  handler.set_append_nul(false);
  EXPECT_EQ(handler.sent(record_of("é")), "<14>häm-späm é");
}

TEST(SysLogHandlerTest, CountsAMapsUnknownPriorityAsAnError) {
  Captured handler;
  handler.set_priority_map({{"INFO", "loud"}});
  EXPECT_EQ(handler.sent(record_of("x")), "");
  EXPECT_EQ(handler.counters().dropped, 1U);
  EXPECT_NE(handler.last_error().text.find("'loud'"), std::string::npos);
}

TEST(SysLogHandlerTest, LetsMappingAndNumberBeOverridden) {
  class Own : public Captured {
    std::string_view map_priority(std::string_view level) const override {
      return level == "AUDIT" ? "alert" : SysLogHandler::map_priority(level);
    }
    int encode_priority(int facility, std::string_view priority) const override {
      return 100 + SysLogHandler::encode_priority(facility, priority);
    }
  };
  Own handler;
  EXPECT_EQ(handler.sent(record_of("x", "AUDIT")), "<109>x\0"sv);
  EXPECT_EQ(handler.sent(record_of("x", "ERROR")), "<111>x\0"sv);
}

TEST(SysLogHandlerTest, MakesANewSocketAfterClose) {
  Captured handler;
  EXPECT_EQ(handler.sent(record_of("a")), "<14>a\0"sv);
  handler.close();
  EXPECT_EQ(handler.sent(record_of("b")), "<14>b\0"sv);
  EXPECT_EQ(handler.sockets, 2);
}

TEST(SysLogHandlerTest, CountsOctets) {
  Captured handler(stream(SysLogFraming::kOctetCounting));
  EXPECT_EQ(handler.sent(record_of("é\nb")), "8 <14>é\nb");
}

TEST(SysLogHandlerTest, EndsWithALineFeedAndHasNoOther) {
  Captured handler(stream(SysLogFraming::kLf));
  EXPECT_EQ(handler.sent(record_of("a\nb\n")), "<14>a#012b#012\n");
}

TEST(SysLogHandlerTest, ANulEndsAMessageOfAStreamAndBeginsNone) {
  const LogRecord record = record_of("a\0<0>forged"sv);
  EXPECT_EQ(Captured(stream(SysLogFraming::kNul)).sent(record), "<14>a#000<0>forged\0"sv);
  EXPECT_EQ(Captured().sent(record), "<14>a\0<0>forged\0"sv) << "a datagram has its own end";
  SysLogOptions strict = stream(SysLogFraming::kNul);
  strict.delivery.compatibility.strict = true;
  EXPECT_EQ(Captured(strict).sent(record), "<14>a\0<0>forged\0"sv) << "as Python";
}

TEST(SysLogHandlerTest, RefusesAFramingOfDatagrams) {
  EXPECT_THROW(Captured({.framing = SysLogFraming::kLf}), Error);
  EXPECT_THROW(Captured({.address = "/dev/log", .tls = TlsOptions()}), Error);
}

TEST(SysLogHandlerTest, WritesTheHeaderOfRfc5424) {
  Captured handler(rfc5424());
  EXPECT_EQ(handler.sent(record_of("text")), std::string(kHeader) + "- text\0"s);
}

TEST(SysLogHandlerTest, MarksUtf8ButNotAsciiNorWhatIsNeither) {
  Captured handler(rfc5424());
  handler.set_append_nul(false);
  EXPECT_EQ(handler.sent(record_of("é")), std::string(kHeader) + "- \xEF\xBB\xBFé");
  EXPECT_EQ(handler.sent(record_of("\xE9")), std::string(kHeader) + "- \xE9");
  handler.set_ident("é");
  EXPECT_EQ(handler.sent(record_of("a")), std::string(kHeader) + "- \xEF\xBB\xBFéa");
}

TEST(SysLogHandlerTest, WritesExtraFieldsAsStructuredData) {
  SysLogOptions options = rfc5424();
  options.enterprise_id = 4242;
  Captured handler(options);
  handler.set_append_nul(false);
  LogRecord record = record_of("m");
  record.extra = {{"n", 42}, {"a=b c]\"é", "x\"y]z\\ é\n"}, {std::string(40, 'k'), "\xFF"}, {"", None()}};
  EXPECT_EQ(handler.sent(record), std::string(kHeader) +
                                      "[extra@4242 n=\"42\" a_b_c___=\"x\\\"y\\]z\\\\ é\n\" " +
                                      std::string(32, 'k') + "=\"\xEF\xBF\xBD\" -=\"None\"] m");
}

TEST(SysLogHandlerTest, CutsHeaderFieldsAndReplacesWhatTheyMayNotHold) {
  SysLogOptions options = rfc5424();
  options.hostname = std::string(300, 'h');
  Captured handler(options);
  handler.set_append_nul(false);
  LogRecord record = record_of("m");
  record.process_name = "my shöp " + std::string(60, 'p');
  record.name = std::string(40, 'n');
  record.process = 0;
  record.created_ns = -1;
  EXPECT_EQ(handler.sent(record), "<14>1 1969-12-31T23:59:59.999999Z " + std::string(255, 'h') + " my_sh_p_" +
                                      std::string(40, 'p') + " - " + std::string(32, 'n') + " - m");
  record.process_name = "";
  record.name = "";
  EXPECT_NE(handler.sent(record).find("h - - - - m"), std::string::npos);
}

}  // namespace
}  // namespace logbus
