// SPDX-License-Identifier: MIT
// Connection over real sockets.
#include <logbus/connection.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <filesystem>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <logbus/error.h>

#include "base/unique_fd.h"
#include "net/socket_address.h"

namespace logbus {
namespace {

using namespace std::chrono_literals;
using base::UniqueFd;

class Listener {
 public:
  explicit Listener(int family = AF_INET, int backlog = 8) : fd_(::socket(family, SOCK_STREAM, 0)) {
    net::SocketAddress any =
        net::resolve(family == AF_INET ? "127.0.0.1" : "::1", 0, SOCK_STREAM, 1s).front();
    EXPECT_EQ(::bind(fd_.get(), any.get(), any.size), 0);
    EXPECT_EQ(::listen(fd_.get(), backlog), 0);
    EXPECT_EQ(::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&any.storage), &any.size), 0);
    port = ntohs(reinterpret_cast<const sockaddr_in&>(any.storage).sin_port);  // the same place in IPv6's
  }
  UniqueFd accept() { return UniqueFd(::accept(fd_.get(), nullptr, nullptr)); }
  void close() { fd_.reset(); }

  std::uint16_t port = 0;

 private:
  UniqueFd fd_;
};

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string read_all(int fd) {
  std::string all;
  char bytes[4096];
  for (ssize_t got; (got = ::read(fd, bytes, sizeof bytes)) > 0;)
    all.append(bytes, static_cast<std::size_t>(got));
  return all;
}

TEST(ConnectionTest, SendsOverBothFamilies) {
  for (const int family : {AF_INET, AF_INET6}) {
    Listener listener(family);
    auto connection = connect_tcp(family == AF_INET ? "127.0.0.1" : "::1", listener.port, 1s);
    const UniqueFd peer = listener.accept();
    EXPECT_EQ(connection->send("hello", 1s), 5U);
    EXPECT_NO_THROW(connection->check());
    connection.reset();
    EXPECT_EQ(read_all(peer.get()), "hello");
  }
}

TEST(ConnectionTest, LooksNamesUp) {
  Listener listener;
  EXPECT_NO_THROW((void)connect_tcp("localhost", listener.port, 1s));
  EXPECT_EQ(error_of([] {
              (void)connect_tcp("no-such-host.invalid", 1, 5s);
            }).rfind("cannot find the address of no-such-host.invalid:1: ", 0),
            0U);
}

TEST(ConnectionTest, SaysWhoRefuses) {
  Listener listener;
  listener.close();
  EXPECT_EQ(error_of([&] { (void)connect_tcp("127.0.0.1", listener.port, 1s); }),
            "cannot connect to 127.0.0.1:" + std::to_string(listener.port) + ": Connection refused");
  EXPECT_EQ(error_of([] { (void)connect_unix("/no/such/socket", 1s); }),
            "cannot connect to /no/such/socket: No such file or directory");
  EXPECT_EQ(error_of([] { (void)connect_unix(std::string(200, 'x'), 1s); }),
            "socket " + std::string(200, 'x') + ": File name too long");
}

TEST(ConnectionTest, GivesUpOnAServerThatDoesNotAccept) {
  Listener listener(AF_INET, 0);  // room for one that waits
  std::vector<std::unique_ptr<Connection>> waiting;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(error_of([&] {
              for (int i = 0; i < 8; ++i) waiting.push_back(connect_tcp("127.0.0.1", listener.port, 100ms));
            }),
            "cannot connect to 127.0.0.1:" + std::to_string(listener.port) + ": Connection timed out");
  EXPECT_LT(std::chrono::steady_clock::now() - start, 5s);
}

TEST(ConnectionTest, StopsWaitingForRoom) {
  Listener listener;
  const auto connection = connect_tcp("127.0.0.1", listener.port, 1s);
  const UniqueFd peer = listener.accept();
  const std::string much(64U << 20, 'x');
  const std::size_t taken = connection->send(much, 50ms);
  EXPECT_GT(taken, 0U);
  EXPECT_LT(taken, much.size());
  int tries = 0;  // the kernel finds more room at first
  while (connection->send(much, 0ms) > 0) ASSERT_LT(++tries, 100);
  EXPECT_GT(connection->unacknowledged(), 0U);
  EXPECT_NO_THROW(connection->check());
}

// Else what was sent would come twice, and nobody would have counted it.
TEST(ConnectionTest, TellsHowManyBytesItTookBeforeItBroke) {
  Listener listener;
  const auto connection = connect_tcp("127.0.0.1", listener.port, 1s);
  const std::string much(64U << 20, 'x');
  std::thread server([peer = listener.accept()]() mutable {
    char byte;
    EXPECT_EQ(::read(peer.get(), &byte, 1), 1);
    peer.reset();  // with bytes unread
  });
  const std::size_t taken = connection->send(much, 20s);
  server.join();
  EXPECT_GT(taken, 0U);
  EXPECT_LT(taken, much.size());
  EXPECT_GT(connection->unacknowledged(), much.size());  // nobody knows what has arrived
  const std::string reason = error_of([&] { connection->check(); });
  EXPECT_NE(reason, "no error");
  EXPECT_EQ(error_of([&] { (void)connection->send("more", 1s); }), reason);
}

TEST(ConnectionTest, FindsOutThatTheOtherSideHasClosed) {
  Listener listener;
  const auto connection = connect_tcp("127.0.0.1", listener.port, 1s);
  UniqueFd peer = listener.accept();
  EXPECT_EQ(::write(peer.get(), "unread", 6), 6);
  EXPECT_NO_THROW(connection->check());
  peer.reset();
  EXPECT_EQ(error_of([&] { connection->check(); }),
            "127.0.0.1:" + std::to_string(listener.port) + ": closed by the other side");
}

TEST(ConnectionTest, FindsOutThatTheOtherSideHasReset) {
  Listener listener;
  const auto connection = connect_tcp("127.0.0.1", listener.port, 1s);
  UniqueFd peer = listener.accept();
  EXPECT_EQ(connection->send("unread", 1s), 6U);
  peer.reset();  // with bytes unread
  const std::string name = "127.0.0.1:" + std::to_string(listener.port);
  EXPECT_EQ(error_of([&] { connection->check(); }), name + ": Connection reset by peer");
  EXPECT_EQ(error_of([&] { (void)connection->send("more", 1s); }), name + ": Broken pipe");
}

TEST(ConnectionTest, KnowsWhatAUnixServerHasNotRead) {
  char folder[] = "/tmp/logbus-test-XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string path = std::string(folder) + "/socket";
  const UniqueFd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
  const net::SocketAddress address = net::unix_address(path);
  ASSERT_EQ(::bind(listener.get(), address.get(), address.size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  const auto connection = connect_unix(path, 1s);
  const UniqueFd peer(::accept(listener.get(), nullptr, nullptr));
  EXPECT_EQ(connection->send("hello", 1s), 5U);
  EXPECT_GT(connection->unacknowledged(), 0U);
  char bytes[8];
  EXPECT_EQ(::read(peer.get(), bytes, sizeof bytes), 5);
  EXPECT_EQ(connection->unacknowledged(), 0U);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace logbus
