// SPDX-License-Identifier: MIT
// Outbox and StreamDelivery, with a server that does as it is told and a clock that is set.
#include "net/stream_delivery.h"

#include <cerrno>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace logbus::net {
namespace {

using namespace std::chrono_literals;
using Seconds = std::chrono::seconds;

TEST(OutboxTest, RefusesWhatDoesNotFitBesideWhatWaits) {
  Outbox outbox(10);
  EXPECT_TRUE(outbox.put("12345"));
  EXPECT_TRUE(outbox.put("67890"));
  EXPECT_FALSE(outbox.put("x"));
  outbox.mark_sent(1);
  EXPECT_TRUE(outbox.put("x"));
  EXPECT_EQ(outbox.frames(), 3U);
  EXPECT_EQ(outbox.unsent(), "234567890x");
}

TEST(OutboxTest, TakesOneFrameLargerThanItsRoom) {
  Outbox outbox(4);
  EXPECT_TRUE(outbox.put("123456789"));
  EXPECT_FALSE(outbox.put("a"));
}

TEST(OutboxTest, RepeatsFromTheFirstFrameThatIsNotWhollyAcknowledged) {
  for (std::size_t sent = 0; sent <= 9; ++sent) {
    for (std::size_t unacknowledged = 0; unacknowledged <= sent; ++unacknowledged) {
      Outbox outbox(100);
      for (const char* frame : {"abc", "def", "ghi"}) ASSERT_TRUE(outbox.put(frame));
      outbox.mark_sent(sent);
      EXPECT_EQ(outbox.unsent_frames(), 3 - sent / 3);
      const std::size_t arrived = (sent - unacknowledged) / 3;
      EXPECT_EQ(outbox.acknowledge(unacknowledged), arrived);
      EXPECT_EQ(outbox.frames(), 3 - arrived);
      EXPECT_EQ(outbox.unsent(), std::string("abcdefghi").substr(sent));
      EXPECT_EQ(outbox.rewind(), (sent + 2) / 3 - arrived) << sent << ' ' << unacknowledged;
      EXPECT_EQ(outbox.unsent(), std::string("abcdefghi").substr(3 * arrived));
    }
  }
}

TEST(OutboxTest, IsEmptyAfterItWasCleared) {
  Outbox outbox(100);
  ASSERT_TRUE(outbox.put("abc") && outbox.put("def"));
  outbox.mark_sent(4);
  EXPECT_EQ(outbox.clear(), 2U);
  EXPECT_TRUE(outbox.empty());
  EXPECT_EQ(outbox.rewind(), 0U);
  ASSERT_TRUE(outbox.put("ghi"));
  EXPECT_EQ(outbox.unsent(), "ghi");
}

// What the connections of one test have taken, and what they are to do.
struct Server {
  std::string got;              // over all connections
  std::size_t room = SIZE_MAX;  // bytes that send() takes before it says that time is up
  std::size_t in_flight = 0;    // of the last bytes, those that are not acknowledged
  std::size_t breaks_after = SIZE_MAX;
  std::size_t largest = SIZE_MAX;  // datagram
  bool down = false;
  bool closed = false;  // this connection, by the server
  bool reset = false;   // likewise, without having read all
  int connects = 0;
  std::vector<std::chrono::milliseconds> waits;
};

class FakeConnection : public Connection {
 public:
  explicit FakeConnection(Server& server) : server_(server) {}
  std::size_t send(std::string_view bytes, std::chrono::milliseconds timeout) override {
    server_.waits.push_back(timeout);
    if (bytes.size() > server_.breaks_after) {
      server_.got.append(bytes, 0, server_.breaks_after);
      server_.breaks_after = SIZE_MAX;
      throw Error(ECONNRESET, "server");
    }
    if (bytes.size() > server_.largest) throw Error(EMSGSIZE, "server");
    const std::size_t taken = std::min(bytes.size(), server_.room);
    server_.room -= taken;
    server_.got.append(bytes, 0, taken);
    return taken;
  }
  std::size_t unacknowledged() const noexcept override { return server_.in_flight; }
  void check() override {
    if (std::exchange(server_.reset, false)) throw Error(ECONNRESET, "server");
    if (std::exchange(server_.closed, false)) throw Error("closed by the other side");
  }

 private:
  Server& server_;
};

class StreamDeliveryTest : public testing::Test {
 protected:
  StreamDelivery make(StreamDelivery::Settings settings = {}) {
    return StreamDelivery(
        settings,
        [this]() -> std::unique_ptr<Connection> {
          attempts_.push_back(std::chrono::duration_cast<Seconds>(now_.time_since_epoch()).count());
          if (server_.down) throw Error(ECONNREFUSED, "cannot connect");
          ++server_.connects;
          return std::make_unique<FakeConnection>(server_);
        },
        [this] { return now_; });
  }

  Server server_;
  StreamDelivery::Clock::time_point now_{};
  std::vector<Seconds::rep> attempts_;
};

TEST_F(StreamDeliveryTest, ConnectsOnlyWhenThereIsSomethingToSend) {
  StreamDelivery delivery = make();
  EXPECT_FALSE(delivery.deliver().failure);
  EXPECT_EQ(server_.connects, 0);
  ASSERT_TRUE(delivery.put("one"));
  EXPECT_EQ(delivery.deliver().sent_bytes, 3U);
  EXPECT_EQ(server_.got, "one");
  EXPECT_TRUE(delivery.outbox().empty());
}

TEST_F(StreamDeliveryTest, TriesAgainAsSeldomAsPython) {
  StreamDelivery delivery = make();
  server_.down = true;
  for (int second = 0; second <= 125; ++second, now_ += 1s) {
    ASSERT_TRUE(delivery.put("frame "));
    delivery.deliver();
  }
  EXPECT_EQ(attempts_, (std::vector<Seconds::rep>{0, 1, 3, 7, 15, 31, 61, 91, 121}));
  server_.down = false;
  now_ += 30s;
  EXPECT_EQ(delivery.deliver().sent_bytes, 126U * 6);
  EXPECT_EQ(delivery.outbox().frames(), 0U);
  // After a success it begins anew.
  server_.down = server_.closed = true;
  attempts_.clear();
  ASSERT_TRUE(delivery.put("frame "));
  const auto start = std::chrono::duration_cast<Seconds>(now_.time_since_epoch()).count();
  for (int second = 0; second <= 8; ++second, now_ += 1s) delivery.deliver();
  EXPECT_EQ(attempts_, (std::vector<Seconds::rep>{start, start + 1, start + 3, start + 7}));
}

TEST_F(StreamDeliveryTest, SendsWholeFramesAgainWhereverTheConnectionBroke) {
  for (std::size_t at = 0; at < 9; ++at) {
    server_ = {};
    StreamDelivery delivery = make();
    for (const char* frame : {"abc", "def", "ghi"}) ASSERT_TRUE(delivery.put(frame));
    server_.breaks_after = at;
    DeliveryReport report = delivery.deliver();
    EXPECT_TRUE(report.failure);
    EXPECT_EQ(server_.got, std::string("abcdefghi").substr(0, at));
    now_ += 1s;
    report = delivery.deliver();
    EXPECT_FALSE(report.failure);
    // Nobody acknowledged anything: a frame that came whole over the first connection comes twice.
    EXPECT_EQ(server_.got, std::string("abcdefghi").substr(0, at) + "abcdefghi");
  }
}

TEST_F(StreamDeliveryTest, SendsAgainWhatWasNotAcknowledgedAndNothingElse) {
  StreamDelivery delivery = make();
  for (const char* frame : {"abc", "def", "ghi"}) ASSERT_TRUE(delivery.put(frame));
  server_.in_flight = 4;
  EXPECT_EQ(delivery.deliver().repeated, 0U);
  EXPECT_EQ(delivery.outbox().frames(), 2U);
  server_.closed = true;
  const DeliveryReport report = delivery.deliver();  // at once: this connection had taken something
  EXPECT_EQ(report.repeated, 2U);
  EXPECT_EQ(server_.connects, 2);
  EXPECT_EQ(server_.got,
            "abcdefghi"
            "defghi");
  server_.in_flight = 0;
  delivery.deliver();
  EXPECT_TRUE(delivery.outbox().empty());
}

TEST_F(StreamDeliveryTest, ASideThatClosesHasReadWhatArrivedOneThatResetsMayNotHave) {
  for (const bool is_reset : {false, true}) {
    server_ = {};
    StreamDelivery delivery = make();
    for (const char* frame : {"abc", "def"}) ASSERT_TRUE(delivery.put(frame));
    server_.in_flight = 6;
    delivery.deliver();
    server_.in_flight = 0;  // by now it has arrived
    (is_reset ? server_.reset : server_.closed) = true;
    EXPECT_EQ(delivery.deliver().repeated, is_reset ? 2U : 0U);
  }
}

TEST_F(StreamDeliveryTest, GoesOnInTheMiddleOfAFrame) {
  StreamDelivery delivery = make();
  ASSERT_TRUE(delivery.put("abcdef"));
  server_.room = 2;
  EXPECT_EQ(delivery.deliver().sent_bytes, 2U);
  EXPECT_EQ(delivery.outbox().unsent_frames(), 1U);
  server_.room = 10;
  EXPECT_EQ(delivery.deliver().sent_bytes, 4U);
  EXPECT_EQ(server_.got, "abcdef");
  EXPECT_EQ(server_.connects, 1);
}

TEST_F(StreamDeliveryTest, WaitsOnceForAServerThatDoesNotKeepUp) {
  StreamDelivery delivery = make();
  ASSERT_TRUE(delivery.put("abc"));
  server_.room = 0;
  delivery.deliver();
  delivery.deliver();
  server_.room = 1;
  delivery.deliver();
  server_.room = 2;
  delivery.deliver();
  ASSERT_TRUE(delivery.put("def"));
  delivery.deliver();
  EXPECT_EQ(server_.waits, (std::vector<std::chrono::milliseconds>{1s, 0s, 0s, 0s, 1s}));
}

TEST_F(StreamDeliveryTest, WaitsForAServerThatClosesAtOnce) {
  StreamDelivery delivery = make();
  ASSERT_TRUE(delivery.put("abc"));
  for (int i = 0; i < 10; ++i) {
    server_.closed = true;
    EXPECT_EQ(delivery.deliver().failure.has_value(), i == 0);
  }
  EXPECT_EQ(server_.connects, 1);
}

TEST_F(StreamDeliveryTest, StrictLosesTheRecordThatMetTheBrokenConnection) {
  StreamDelivery delivery = make({.strict = true});
  server_.breaks_after = 1;
  ASSERT_TRUE(delivery.put("abc"));
  EXPECT_EQ(delivery.deliver().dropped, 1U);
  EXPECT_FALSE(delivery.connected());
  ASSERT_TRUE(delivery.put("def"));
  EXPECT_EQ(delivery.deliver().dropped, 0U);
  EXPECT_EQ(server_.got,
            "a"
            "def");
  server_.room = 1;
  ASSERT_TRUE(delivery.put("ghi"));
  EXPECT_EQ(delivery.deliver().dropped, 1U);
  EXPECT_FALSE(delivery.connected());
  server_.down = true;
  ASSERT_TRUE(delivery.put("jkl"));
  EXPECT_EQ(delivery.deliver().dropped, 1U);
  EXPECT_TRUE(delivery.outbox().empty());
}

TEST_F(StreamDeliveryTest, FinishTriesOnceMoreAndCountsWhatIsLeft) {
  StreamDelivery delivery = make();
  server_.down = true;
  ASSERT_TRUE(delivery.put("abc") && delivery.put("def"));
  delivery.deliver();
  DeliveryReport report = delivery.finish(10s);
  EXPECT_EQ(attempts_.size(), 2U);
  EXPECT_EQ(report.dropped, 2U);
  EXPECT_TRUE(delivery.outbox().empty());
}

TEST_F(StreamDeliveryTest, FinishSendsAllIfTheServerIsThere) {
  StreamDelivery delivery = make();
  ASSERT_TRUE(delivery.put("abc") && delivery.put("def"));
  EXPECT_EQ(delivery.finish(10s).dropped, 0U);
  EXPECT_EQ(server_.got, "abcdef");
  EXPECT_FALSE(delivery.connected());
}

TEST_F(StreamDeliveryTest, SendsDatagramsOneByOneAndLeavesOutWhatIsTooLarge) {
  StreamDelivery delivery = make({.datagrams = true});
  server_.largest = 3;
  for (const char* frame : {"abc", "defg", "hi"}) ASSERT_TRUE(delivery.put(frame));
  const DeliveryReport report = delivery.deliver();
  EXPECT_EQ(report.too_large, 1U);
  EXPECT_FALSE(report.failure);
  EXPECT_EQ(report.sent_bytes, 5U);
  EXPECT_EQ(server_.got, "abchi");
  EXPECT_EQ(server_.waits.size(), 3U);
  EXPECT_TRUE(delivery.outbox().empty());
}

TEST_F(StreamDeliveryTest, SendsTheDatagramThatFailedAgain) {
  StreamDelivery delivery = make({.datagrams = true});
  server_.breaks_after = 0;
  ASSERT_TRUE(delivery.put("abc") && delivery.put("def"));
  EXPECT_TRUE(delivery.deliver().failure);
  now_ += 1s;
  EXPECT_FALSE(delivery.deliver().failure);
  EXPECT_EQ(server_.got, "abcdef");
}

// Every frame arrives, in order; those that come twice come behind a break.
TEST_F(StreamDeliveryTest, LosesNothingOverManyBreaks) {
  std::mt19937 random(20260711);
  StreamDelivery delivery = make();
  std::string all;
  for (int i = 0; i < 20'000; ++i) {
    const std::string frame = std::to_string(i) + ";";
    ASSERT_TRUE(delivery.put(frame));
    all += frame;
    server_.in_flight = random() % 40;
    if (random() % 50 == 0) server_.breaks_after = random() % 64;
    server_.closed = random() % 50 == 0;
    server_.down = random() % 10 == 0;
    server_.room = random() % 30;
    delivery.deliver();
    now_ += 100ms;
  }
  server_.down = server_.closed = false;
  server_.room = server_.breaks_after = SIZE_MAX;
  server_.in_flight = 0;
  now_ += 60s;
  EXPECT_FALSE(delivery.deliver().failure);
  EXPECT_TRUE(delivery.outbox().empty());
  std::size_t at = 0;  // each frame of `all` is found behind the one before it
  for (int i = 0; i < 20'000; ++i) {
    const std::string frame = std::to_string(i) + ";";
    at = server_.got.find(frame, at);
    ASSERT_NE(at, std::string::npos) << "frame " << i;
    at += frame.size();
  }
}

}  // namespace
}  // namespace logbus::net
