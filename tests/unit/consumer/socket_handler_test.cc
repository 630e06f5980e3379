// SPDX-License-Identifier: MIT
// SocketHandler over a connection that does as it is told; DatagramHandler over real sockets.
#include <logbus/socket_handler.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <logbus/datagram_handler.h>
#include <logbus/error.h>

#include "../record/captured_stderr.h"
#include "base/unique_fd.h"
#include "net/socket_address.h"

namespace logbus {
namespace {

using namespace std::chrono_literals;

LogRecord record_of(std::string_view text) {
  LogRecord record;
  record.msg = text;
  return record;
}

// What the connections of one test are to do, and what they have taken.
struct Server {
  std::string got;
  std::size_t room = SIZE_MAX;
  bool down = false;
  bool breaks = false;  // with the next send()
  int connects = 0;
  int closes = 0;
  int sends = 0;
};

class FakeConnection : public Connection {
 public:
  explicit FakeConnection(Server& server) : server_(server) {}
  ~FakeConnection() override { ++server_.closes; }
  std::size_t send(std::string_view bytes, std::chrono::milliseconds) override {
    ++server_.sends;
    if (std::exchange(server_.breaks, false)) throw Error(EPIPE, "server");
    const std::size_t taken = std::min(bytes.size(), server_.room);
    server_.room -= taken;
    server_.got.append(bytes, 0, taken);
    return taken;
  }
  std::size_t unacknowledged() const noexcept override { return 0; }
  void check() override {}

 private:
  Server& server_;
};

// Frames are the message and a semicolon.
class PlainHandler : public SocketHandler {
 public:
  PlainHandler(Server& server, const SocketOptions& options = {})
      : SocketHandler("server", 1, options), server_(server) {}
  ~PlainHandler() override { close(); }

 protected:
  void make_frame(const LogRecord& record, std::string& frame) override {
    record.append_message(frame);
    frame += ';';
  }
  std::unique_ptr<Connection> make_socket(std::chrono::milliseconds timeout) override {
    EXPECT_EQ(timeout, options().timeout);
    if (server_.down) throw Error(ECONNREFUSED, "cannot connect to server");
    ++server_.connects;
    return std::make_unique<FakeConnection>(server_);
  }

 private:
  Server& server_;
};

std::uint64_t dropped_for(const Handler& handler, DropReason reason) {
  return handler.counters().dropped_for[static_cast<std::size_t>(reason)];
}

TEST(SocketHandlerTest, ConnectsWithTheFirstRecordAndSendsEachAtOnce) {
  Server server;
  PlainHandler handler(server);
  EXPECT_EQ(server.connects, 0);
  handler.handle(record_of("one"));
  EXPECT_EQ(server.got, "one;");
  handler.handle(record_of("two"));
  EXPECT_EQ(server.got, "one;two;");
  EXPECT_EQ(server.connects, 1);
  EXPECT_EQ(handler.counters().bytes, 8U);
  EXPECT_FALSE(handler.pending());
}

TEST(SocketHandlerTest, SendsABatchAtItsEndOrWhenItIsLarge) {
  Server server;
  PlainHandler handler(server);
  handler.defer_flush(true);
  handler.handle(record_of("one"));
  handler.handle(record_of("two"));
  EXPECT_EQ(server.sends, 0);
  EXPECT_TRUE(handler.pending());
  handler.end_batch();
  EXPECT_EQ(server.got, "one;two;");
  EXPECT_EQ(server.sends, 1);
  handler.handle(record_of(std::string(1 << 17, 'x')));
  EXPECT_EQ(server.sends, 2);
  handler.handle(record_of("three"));
  handler.defer_flush(false);
  EXPECT_TRUE(server.got.ends_with("x;three;"));
}

// The fragments of each send end at every byte of the frames in turn.
TEST(SocketHandlerTest, GoesOnWhereASendEnded) {
  for (std::size_t room = 1; room <= 13; ++room) {
    Server server;
    PlainHandler handler(server);
    server.room = room;
    for (const char* text : {"one", "two", "three"}) handler.handle(record_of(text));
    for (int more = 0; more < 14; ++more) {
      server.room = more % 3;
      handler.end_batch();
    }
    EXPECT_EQ(server.got, "one;two;three;") << room;
    EXPECT_EQ(server.connects, 1);
    EXPECT_FALSE(handler.pending());
    EXPECT_EQ(handler.counters().retries, 0U);
  }
}

TEST(SocketHandlerTest, TheRecordThatMetABrokenConnectionIsSentAgain) {
  const CapturedStderr captured;
  Server server;
  PlainHandler handler(server);
  handler.handle(record_of("one"));
  server.breaks = true;
  handler.handle(record_of("two"));
  EXPECT_EQ(server.got, "one;two;");
  EXPECT_EQ(server.connects, 2);
  EXPECT_EQ(handler.counters().errors, 1U);
  EXPECT_EQ(handler.counters().records, 2U);
  EXPECT_EQ(handler.counters().dropped, 0U);
}

TEST(SocketHandlerTest, StrictLosesItWithoutAWord) {
  CapturedStderr captured;
  Server server;
  PlainHandler handler(server, {{.compatibility = {.strict = true}}});
  handler.defer_flush(true);
  handler.handle(record_of("one"));
  server.breaks = true;
  handler.handle(record_of("two"));
  handler.handle(record_of("three"));
  server.breaks = server.down = true;
  handler.handle(record_of("four"));
  handler.handle(record_of("five"));
  EXPECT_EQ(server.got, "one;three;");
  EXPECT_EQ(dropped_for(handler, DropReason::kError), 3U);
  EXPECT_EQ(handler.counters().records, 2U);
  EXPECT_FALSE(handler.pending());
  EXPECT_EQ(captured.text(), "");
}

TEST(SocketHandlerTest, WhatWaitsIsBoundedCountedAndToldOnce) {
  CapturedStderr captured;
  Server server;
  server.down = true;
  PlainHandler handler(server, {{.backlog = 10}});
  for (const char* text : {"one", "two", "three", "4"}) handler.handle(record_of(text));
  EXPECT_EQ(handler.counters().waiting, 3U);
  EXPECT_EQ(dropped_for(handler, DropReason::kBacklogFull), 1U);
  handler.handle(record_of("five"));
  EXPECT_EQ(dropped_for(handler, DropReason::kBacklogFull), 2U);
  EXPECT_EQ(handler.counters().records, 3U);
  EXPECT_EQ(handler.counters().errors, 2U);  // no connection; no room
  EXPECT_NE(captured.text().find("backlog is full"), std::string::npos);
}

TEST(SocketHandlerTest, CloseTriesOnceMoreAndCountsWhatIsLeft) {
  CapturedStderr captured;
  Server server;
  server.down = true;
  PlainHandler handler(server, {{.timeout = 10ms, .retry_start = 1000}});
  handler.handle(record_of("one"));
  server.down = false;
  handler.end_batch();
  EXPECT_EQ(server.connects, 0) << "too early for another try";
  handler.close();
  EXPECT_EQ(server.got, "one;");
  EXPECT_EQ(server.closes, 1);
  handler.handle(record_of("two"));  // opens it again, as in Python
  EXPECT_EQ(server.got, "one;two;");
  server.room = 2;
  handler.handle(record_of("three"));
  handler.close();
  EXPECT_EQ(dropped_for(handler, DropReason::kShutdown), 1U);
  EXPECT_EQ(handler.counters().records, 2U);
  EXPECT_EQ(handler.counters().waiting, 0U);
}

TEST(SocketHandlerTest, CloseOnErrorMakesTheNextRecordConnectAnew) {
  for (const bool close_on_error : {false, true}) {
    const CapturedStderr captured;
    Server server;
    PlainHandler handler(server, {{}, SocketOptions::Codec::kPickle, close_on_error});
    handler.handle(record_of("one"));
    LogRecord bad = record_of("%d");
    bad.args = List{"text"};
    handler.handle(bad);
    EXPECT_EQ(dropped_for(handler, DropReason::kError), 1U);
    handler.handle(record_of("two"));
    EXPECT_EQ(server.got, "one;two;");
    EXPECT_EQ(server.connects, close_on_error ? 2 : 1);
  }
}

// Each thread has its own records in their order; what waits is looked at from outside.
TEST(SocketHandlerTest, ThreadsMayLogWhileOthersEndBatchesAndClose) {
  Server server;
  constexpr int kRecords = 2000;
  {
    PlainHandler handler(server);
    handler.defer_flush(true);
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (const char name : {'a', 'b'})
      threads.emplace_back([&handler, name] {
        for (int i = 0; i < kRecords; ++i) handler.handle(record_of(name + std::to_string(i)));
      });
    std::thread driver([&] {
      for (int i = 0; !over; ++i) {
        if (handler.pending()) handler.end_batch();
        if (i % 10 == 0) handler.flush();
        if (i % 50 == 0) handler.close();
        (void)handler.counters().waiting.load();
        (void)handler.last_error();
      }
    });
    for (std::thread& thread : threads) thread.join();
    over = true;
    driver.join();
    EXPECT_EQ(handler.counters().records + handler.counters().dropped, 2U * kRecords);
    EXPECT_EQ(handler.counters().dropped, 0U);
  }
  for (const char name : {'a', 'b'}) {
    std::size_t at = 0;
    for (int i = 0; i < kRecords; ++i) {
      const std::string frame = name + std::to_string(i) + ";";
      at = server.got.find(frame, at);
      ASSERT_NE(at, std::string::npos) << frame;
    }
  }
}

class Receiver {
 public:
  explicit Receiver(const net::SocketAddress& address) : fd_(::socket(address.family(), SOCK_DGRAM, 0)) {
    EXPECT_EQ(::bind(fd_.get(), address.get(), address.size), 0) << errno;
    net::SocketAddress bound = address;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size);
    port = ntohs(reinterpret_cast<const sockaddr_in&>(bound.storage).sin_port);  // the same place in IPv6's
    const timeval limit{.tv_sec = 5, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  std::string next() {
    std::string datagram(1 << 12, '\0');
    const ssize_t got = ::recv(fd_.get(), datagram.data(), datagram.size(), 0);
    datagram.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return datagram;
  }

  std::uint16_t port = 0;

 private:
  base::UniqueFd fd_;
};

// The text is in it, and its length.
void expect_frame(const std::string& datagram, std::string_view text) {
  ASSERT_GT(datagram.size(), 4U);
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(datagram[at]); };
  EXPECT_EQ((byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3)) + 4U, datagram.size());
  EXPECT_NE(datagram.find(text), datagram.npos);
}

TEST(DatagramHandlerTest, SendsEachRecordByItselfOverBothFamilies) {
  for (const char* host : {"127.0.0.1", "::1"}) {
    Receiver receiver(net::resolve(host, 0, SOCK_DGRAM, 1s).front());
    DatagramHandler handler(host, receiver.port);
    handler.defer_flush(true);
    handler.handle(record_of("one"));
    handler.handle(record_of("two"));
    handler.end_batch();
    expect_frame(receiver.next(), "one");
    expect_frame(receiver.next(), "two");
  }
}

TEST(DatagramHandlerTest, CountsWhatIsTooLargeAndTellsItOnce) {
  CapturedStderr captured;
  Receiver receiver(net::resolve("127.0.0.1", 0, SOCK_DGRAM, 1s).front());
  DatagramHandler handler("127.0.0.1", receiver.port);
  for (int time = 0; time < 3; ++time) handler.handle(record_of(std::string(1 << 20, 'x')));
  handler.handle(record_of("small"));
  expect_frame(receiver.next(), "small");
  EXPECT_EQ(dropped_for(handler, DropReason::kTooLarge), 3U);
  EXPECT_EQ(handler.counters().records, 1U);
  EXPECT_EQ(handler.counters().errors, 1U);
}

TEST(DatagramHandlerTest, NobodyThereOverUdpIsNoError) {
  std::uint16_t port = 0;
  { port = Receiver(net::resolve("127.0.0.1", 0, SOCK_DGRAM, 1s).front()).port; }
  DatagramHandler handler("127.0.0.1", port);
  for (int time = 0; time < 3; ++time) handler.handle(record_of("x"));
  EXPECT_EQ(handler.counters().errors, 0U);
  EXPECT_EQ(handler.counters().records, 3U);
}

class UnixDatagramTest : public testing::Test {
 protected:
  UnixDatagramTest() {
    char folder[] = "/tmp/logbus-datagram-XXXXXX";
    folder_ = ::mkdtemp(folder);
    path_ = folder_ + "/socket";
  }
  ~UnixDatagramTest() override { std::filesystem::remove_all(folder_); }
  std::unique_ptr<Receiver> start() {
    ::unlink(path_.c_str());
    return std::make_unique<Receiver>(net::unix_address(path_));
  }

  std::string folder_, path_;
};

TEST_F(UnixDatagramTest, WaitsForAServerThatIsStartedAgain) {
  const CapturedStderr captured;
  DatagramHandler handler(path_, std::nullopt, {{.retry_start = 0}});
  handler.handle(record_of("early"));
  EXPECT_TRUE(handler.pending());
  auto receiver = start();
  handler.handle(record_of("one"));
  expect_frame(receiver->next(), "early");
  expect_frame(receiver->next(), "one");
  receiver = nullptr;
  receiver = start();
  handler.handle(record_of("two"));  // the socket leads to the server before; the record goes again at once
  expect_frame(receiver->next(), "two");
  EXPECT_EQ(handler.counters().dropped, 0U);
  EXPECT_FALSE(handler.pending());
}

TEST_F(UnixDatagramTest, StrictLosesARecordOnlyWhereNobodyIs) {
  const CapturedStderr captured;
  DatagramHandler handler(path_, std::nullopt, {{.compatibility = {.strict = true}}});
  handler.handle(record_of("early"));
  EXPECT_EQ(dropped_for(handler, DropReason::kError), 1U);
  EXPECT_EQ(handler.counters().errors, 1U);
  auto receiver = start();
  handler.handle(record_of("one"));
  receiver = start();
  handler.handle(record_of("two"));
  expect_frame(receiver->next(), "two");
  EXPECT_EQ(handler.counters().dropped, 1U);
}

TEST_F(UnixDatagramTest, GoesOnWithAServerThatHadNoRoom) {
  const auto receiver = start();
  DatagramHandler handler(path_, std::nullopt, {{.timeout = 20ms}});
  handler.defer_flush(true);
  constexpr int kRecords = 2000;
  for (int number = 0; number < kRecords; ++number) handler.handle(record_of(std::to_string(number) + "."));
  const auto began = std::chrono::steady_clock::now();
  for (int time = 0; time < 20; ++time) handler.end_batch();
  EXPECT_LT(std::chrono::steady_clock::now() - began, 1s);  // waited for once
  EXPECT_TRUE(handler.pending());
  for (int number = 0; number < kRecords; ++number) {
    expect_frame(receiver->next(), std::to_string(number) + ".");
    if (number % 5 == 0) handler.end_batch();
  }
  handler.end_batch();
  EXPECT_FALSE(handler.pending());
  EXPECT_EQ(handler.counters().dropped, 0U);
}

}  // namespace
}  // namespace logbus
