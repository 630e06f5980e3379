// SPDX-License-Identifier: MIT
// stat and ls of a small bus.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <fstream>
#include <memory>

#include <logbus/log_queue.h>
#include <logbus/queue_handler.h>

#include "handler_table.h"
#include "shm/lane_directory.h"
#include "tools/bus_statistics.h"
#include "tools/list.h"
#include "tools/stat.h"
#include "tools_bus.h"

namespace logbus::testing {
namespace {

class StatTest : public ::testing::Test {
 protected:
  shm::Snapshot snapshot() const { return shm::Snapshot::of_bus(options_); }
  tools::BusStatistics statistics() const { return tools::collect_statistics(snapshot()); }
  shm::Segment sidecar() const { return shm::Segment::open_existing(options_, shm::Segment::Role::kSidecar); }
  /// All of a lane is read, and its drops are told.
  static void drain(const shm::Segment& segment, std::uint32_t lane) {
    LaneTap tap(segment, lane);
    shm::Frame frame;
    while (tap.next(frame) == shm::Parse::kFrame) {
    }
    tap.commit();
    for (std::size_t i = 0; i < detail::kSeverities; ++i)
      segment.consumer_line(lane).reported[i].store(segment.producer_line(lane).dropped[i].load());
  }

  TempDir directory_;
  shm::BusOptions options_ = small_bus(directory_);
};

TEST_F(StatTest, SaysThatNoSidecarHasEverAttached) {
  Child child([&] { static auto attachment = shm::Attachment::attach(options_, "web-1"); });
  const auto now = snapshot();
  const std::string text = tools::stat_text(now, tools::collect_statistics(now), true);
  EXPECT_NE(text.find("sidecar  none has ever attached\n"), std::string::npos) << text;
  EXPECT_TRUE(text.starts_with("bus      test  " + shm::bus_path(options_) +
                               "  layout 3  overflow drop  memory 0.0 of 64.0 MiB  sites 0 of 64\n"))
      << text;
  EXPECT_EQ(
      nlohmann::json::parse(tools::stat_json(now, tools::collect_statistics(now), true))["sidecar"]["state"],
      "never");
}

TEST_F(StatTest, SaysWhatTheJournalHoldsForTheNextSidecar) {
  static_cast<void>(shm::Segment::open(options_, shm::Segment::Role::kWorker));
  const shm::Segment segment = sidecar();
  ASSERT_TRUE(segment.back(&segment.journal(), segment.preamble().journal.size));
  const auto text_of = [this](shm::JournalState state) {
    sidecar().journal().state.store(static_cast<std::uint32_t>(state));
    const auto now = snapshot();
    const tools::BusStatistics counted = tools::collect_statistics(now);
    const std::string json = tools::stat_json(now, counted, false);
    return tools::stat_text(now, counted, false) + nlohmann::json::parse(json)["journal"].dump();
  };
  segment.consumer().drained.store(1000);
  segment.journal().drained = 5096;
  segment.journal().ops = 3;
  const std::string empty = text_of(shm::JournalState::kEmpty);
  EXPECT_EQ(empty.find("journal"), std::string::npos) << empty;
  EXPECT_TRUE(empty.ends_with(R"({"files":0,"records":0,"state":"empty"})")) << empty;
  const std::string sealed = text_of(shm::JournalState::kSealed);
  EXPECT_NE(sealed.find("\njournal  4,096 records sealed for 3 files, not yet emptied\n"), std::string::npos)
      << sealed;
  EXPECT_TRUE(sealed.ends_with(R"({"files":3,"records":4096,"state":"sealed"})")) << sealed;
  const std::string rotating = text_of(shm::JournalState::kRotating);
  EXPECT_NE(rotating.find("\njournal  a rotation is not finished yet\n"), std::string::npos) << rotating;
}

TEST_F(StatTest, CountsCommittedAndUnreadOfEachWorker) {
  Child child([&] {
    static auto attachment = shm::Attachment::attach(options_, "web-1");
    TestWriter first(*attachment, 1, "a");
    TestWriter second(*attachment, 2, "b");
    for (int i = 0; i < 5; ++i) first.log("x", 20, "{}", "1");
    for (int i = 0; i < 3; ++i) second.log("x", 20, "{}", "2");
  });
  {
    const shm::Segment segment = sidecar();
    drain(segment, 0);
  }
  const auto now = statistics();
  EXPECT_EQ(now.committed, 8U);
  EXPECT_EQ(now.lag.records, 3U);
  EXPECT_GT(now.lag.bytes, 0U);
  EXPECT_EQ(now.sites, 1U);
  EXPECT_EQ(now.memory_bytes, 2 * detail::kFirstStepBytes);
  ASSERT_EQ(now.workers.size(), 1U);
  EXPECT_EQ(now.workers[0].name, "web-1");
  EXPECT_EQ(now.workers[0].life, shm::Life::kLive);
  EXPECT_EQ(now.workers[0].lanes, 2U);
  EXPECT_EQ(now.workers[0].committed, 8U);
  EXPECT_EQ(now.workers[0].lag.records, 3U);
  child.kill();
  EXPECT_EQ(statistics().workers[0].life, shm::Life::kDead);
}

TEST_F(StatTest, KeepsDropsBySeverityOverTheEndOfALane) {
  const auto drop = [](TestWriter& writer, std::initializer_list<int> levels) {
    for (const int level : levels) writer.lane().count_drop(level, detail::DropReason::kLaneFull);
  };
  Child child([&] {
    static auto attachment = shm::Attachment::attach(options_, "web-1");
    const shm::Segment segment = sidecar();
    TestWriter gone(*attachment, 1, "a");
    drop(gone, {10, 20, 20, 50});
    gone.lane().close();
    drain(segment, 0);
    if (!shm::free_lane(segment, 0, segment.producer_line(0).word.load()))
      throw std::runtime_error("free_lane");
    TestWriter again(*attachment, 2, "b");  // the same lane
    drop(again, {30});
  });
  const auto now = statistics();
  EXPECT_EQ(now.dropped, 5U);
  ASSERT_EQ(now.workers.size(), 1U);
  EXPECT_EQ(now.workers[0].dropped, 5U);
  EXPECT_EQ(now.workers[0].dropped_by_severity, (std::array<std::uint64_t, 4>{1, 2, 1, 1}));
  const auto shown = snapshot();
  EXPECT_NE(tools::stat_text(shown, now, true).find("        5  1/2/1/1\n"), std::string::npos)
      << tools::stat_text(shown, now, true);
}

TEST_F(StatTest, TellsSidecarsApartByTheLease) {
  shm::Attachment::attach(options_, "");
  const shm::Segment segment = sidecar();
  shm::ConsumerControl& control = segment.consumer();
  control.epoch.store(1);
  control.holder_pid.store(812);
  control.holder_state.store(1);
  control.heartbeat_monotonic_ns.store(detail::clock_ns(CLOCK_MONOTONIC) - 200'000'000);
  std::strcpy(control.config_path, "/etc/logbus/orders.yaml");
  EXPECT_EQ(statistics().sidecar.state, tools::SidecarState::kDied);
  shm::LifeLock lease = shm::LifeLock::try_take(segment, shm::kLeaseLock);
  const auto now = snapshot();
  const std::string text = tools::stat_text(now, tools::collect_statistics(now), true);
  EXPECT_NE(text.find("sidecar  pid 812  heartbeat 0."), std::string::npos) << text;
  EXPECT_NE(text.find("  /etc/logbus/orders.yaml loaded "), std::string::npos) << text;
  lease.release();
  control.holder_state.store(2);
  EXPECT_EQ(statistics().sidecar.state, tools::SidecarState::kReleased);
}

TEST_F(StatTest, ShowsHandlers) {
  shm::Attachment::attach(options_, "");
  const shm::Segment segment = sidecar();
  shm::ConsumerControl& control = segment.consumer();
  control.handler_count.store(2);
  std::strcpy(control.handlers[0].name, "file\x1b");
  std::strcpy(control.handlers[0].class_name, "RotatingFileHandler");
  control.handlers[0].records.store(184'220'109);
  control.handlers[0].bytes.store(21'100'000'000);
  std::memset(control.handlers[1].name, 'n', sizeof control.handlers[1].name);  // no NUL anywhere
  control.handlers[1].queue_capacity.store(1000);
  const auto now = snapshot();
  const std::string text = tools::stat_text(now, tools::collect_statistics(now), true);
  EXPECT_NE(text.find("RotatingFileHandler  184,220,109  21.1 GB       0        0        0  -\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("file\\x1b"), std::string::npos) << text;
  EXPECT_NE(text.find("        0  0/1000\n"), std::string::npos) << text;
  control.handler_count.store(~std::uint64_t{0});
  EXPECT_EQ(statistics().handlers.size(), detail::kMaxHandlers);
}

/// A handler without a lock, a queue or a file.
class Troubled : public Handler {
 public:
  explicit Troubled(std::string_view name) { set_name(name); }
  void handle_error(const LogRecord*, const std::exception&) noexcept override {}
  void fail(const std::string& what) { Handler::handle_error(nullptr, std::runtime_error(what)); }
  void lose(DropReason reason, std::uint64_t records) { count_lost(reason, records); }
  void retry(std::uint64_t deliveries) { count_retry(deliveries); }
  void wait(std::uint64_t records) { set_waiting(records); }
  std::string_view class_name() const noexcept override { return "SocketHandler"; }

 protected:
  void emit(const LogRecord&) override {}
};

TEST_F(StatTest, ShowsWhatWentWrongWithHandlers) {
  shm::Attachment::attach(options_, "");
  const shm::Segment segment = sidecar();
  const auto queue = std::make_shared<LogQueue>(1000, 1 << 20);
  const auto behind = std::make_shared<QueueHandler>(queue);
  behind->set_name("socket_async");
  const auto socket = std::make_shared<Troubled>("socket");
  const std::vector<std::shared_ptr<Handler>> handlers = {behind, socket};
  consumer::publish_handlers(handlers, segment.consumer());
  EXPECT_EQ(statistics().handlers.at(0).queue_memory, std::uint64_t{1} << 20);
  EXPECT_EQ(statistics().handlers.at(1).last_error_ns, std::nullopt);

  for (int i = 0; i < 17; ++i) behind->handle(LogRecord());
  socket->handle(LogRecord());
  ::testing::internal::CaptureStderr();
  socket->fail("cannot connect to \x1b[2Jlocalhost\n" + std::string(200, 'x'));
  ::testing::internal::GetCapturedStderr();
  socket->lose(DropReason::kBacklogFull, 1234);
  socket->lose(DropReason::kTooLarge, 1);
  socket->retry(5);
  socket->wait(3);
  consumer::publish_handlers(handlers, segment.consumer());
  const auto now = snapshot();
  const tools::BusStatistics counted = tools::collect_statistics(now);
  EXPECT_EQ(counted.handlers.at(0).queue_bytes, queue->used_memory());
  const std::string text = tools::stat_text(now, counted, true);
  EXPECT_NE(text.find("socket_async  QueueHandler        17      -       0        0        0  17/1000\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("socket        SocketHandler        1    0 B       1        5    1,235  3\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("socket: dropped backlog_full 1,234, too_large 1\n"), std::string::npos) << text;
  EXPECT_NE(text.find("socket: last error 0.0 s ago: cannot connect to \\x1b[2Jlocalhost\\nxxx"),
            std::string::npos)
      << text;
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  for (std::size_t at = text.find("socket: "); at < text.size(); at = text.find('\n', at) + 1)
    EXPECT_LE(text.find('\n', at) - at, 110U) << text;

  const auto json = nlohmann::json::parse(tools::stat_json(now, counted, false))["handlers"];
  EXPECT_EQ(json[0]["queue"], 17);
  EXPECT_EQ(json[0]["queue_memory"], 1 << 20);
  EXPECT_EQ(json[0]["last_error"], nullptr);
  EXPECT_EQ(json[1]["retries"], 5);
  EXPECT_EQ(json[1]["dropped_by_reason"]["backlog_full"], 1234);
  EXPECT_EQ(json[1]["dropped_by_reason"]["shutdown"], 0);
  EXPECT_TRUE(json[1]["last_error"]["text"].get<std::string>().starts_with("cannot connect to \x1b[2J"));
  EXPECT_GE(json[1]["last_error"]["age_s"], 0.0);
}

TEST_F(StatTest, AnErrorWhoseWriterDiedIsShownAllTheSame) {
  shm::Attachment::attach(options_, "");
  const shm::Segment segment = sidecar();
  const auto handler = std::make_shared<Troubled>("h");
  ::testing::internal::CaptureStderr();
  handler->fail("first");
  consumer::publish_handlers({handler}, segment.consumer());
  detail::HandlerEntry& entry = segment.consumer().handlers[0];
  entry.error_version.fetch_add(1);  // in the middle of the next one
  EXPECT_EQ(statistics().handlers.at(0).last_error, "first");
  entry.error_size.store(~std::uint64_t{0});
  EXPECT_EQ(statistics().handlers.at(0).last_error.size(), HandlerError::kMostBytes);
  consumer::publish_handlers({handler}, segment.consumer());  // the next sidecar
  EXPECT_EQ(entry.error_version.load() % 2, 0U);
  EXPECT_EQ(statistics().handlers.at(0).last_error, "first");
  ::testing::internal::GetCapturedStderr();
}

TEST_F(StatTest, ShortensALongListOfWorkers) {
  options_ = small_bus(directory_, 64);
  Child child([&] {
    static std::vector<std::unique_ptr<shm::Attachment>> all;
    for (int i = 0; i < 40; ++i) all.push_back(shm::Attachment::attach(options_, "w" + std::to_string(i)));
  });
  const auto now = snapshot();
  const auto counted = tools::collect_statistics(now);
  EXPECT_EQ(counted.workers.size(), 40U);
  EXPECT_NE(tools::stat_text(now, counted, false).find("... and 8 more (--per-process)\n"),
            std::string::npos);
  EXPECT_EQ(tools::stat_text(now, counted, true).find("more"), std::string::npos);
}

TEST_F(StatTest, ListsBusesWithTheirStates) {
  Child child([&] { static auto attachment = shm::Attachment::attach(options_, "web-1"); });
  {
    shm::BusOptions idle = options_;
    idle.bus = "idle";
    shm::Attachment::attach(idle, "");
  }
  std::ofstream(directory_.path() + "/bad.logbus") << "not a bus";
  std::ofstream(directory_.path() + "/other.txt") << "not a bus";
  const auto buses = tools::list_buses(directory_.path());
  ASSERT_EQ(buses.size(), 3U);
  EXPECT_EQ(buses[0].name, "bad");
  EXPECT_EQ(buses[0].state, tools::BusState::kDamaged);
  EXPECT_NE(buses[0].problem.find("too short"), std::string::npos);
  EXPECT_EQ(buses[1].state, tools::BusState::kIdle);
  EXPECT_EQ(buses[2].state, tools::BusState::kLive);
  EXPECT_EQ(buses[2].workers_live, 1U);
  EXPECT_EQ(tools::list_text(buses, true), "bad\nidle\ntest\n");
}

}  // namespace
}  // namespace logbus::testing
