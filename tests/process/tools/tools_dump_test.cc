// SPDX-License-Identifier: MIT
// dump of a bus whose worker lives, was killed, or of which there is but a copy.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#include "dump_test.h"

namespace logbus::testing {
namespace {

TEST_F(DumpTest, ShowsALiveBusInTimeOrderAcrossLanes) {
  Child child([&] { two_threads(options_); });
  auto snapshot = this->snapshot();
  EXPECT_EQ(dumped_messages(snapshot), kTurns);
  const auto processes = dumped_objects(snapshot, "process");
  ASSERT_EQ(processes.size(), 1U);
  EXPECT_EQ(processes[0]["name"], "web-2");
  EXPECT_EQ(processes[0]["pid"], child.pid());
  EXPECT_EQ(processes[0]["state"], "live");
  const auto lanes = dumped_objects(snapshot, "lane");
  ASSERT_EQ(lanes.size(), 2U);
  EXPECT_EQ(lanes[0]["thread_name"], "rx-1");
  EXPECT_GT(lanes[0]["committed"], 0);
  EXPECT_EQ(lanes[0]["read"], 0);
  EXPECT_EQ(lanes[0]["resident"], 8192);
}

TEST_F(DumpTest, ShowsWhatAKilledWorkerHadCommitted) {
  Child child([&] { two_threads(options_); });
  child.kill();
  auto snapshot = this->snapshot();
  EXPECT_EQ(dumped_messages(snapshot), kTurns);
  EXPECT_EQ(dumped_objects(snapshot, "process").at(0)["state"], "dead");
}

TEST_F(DumpTest, ShowsTheRecordThatAKilledWorkerWasWriting) {
  for (const bool stamping : {false, true}) {
    Child child([&] {
      static auto attachment = shm::Attachment::attach(options_, "web-2");
      TestWriter writer(*attachment, 4719, "rx-1");
      writer.log("orders.api", 20, "charge {}", "whole");
      writer.begin("orders.api", "charge {} for {}", stamping);
    });
    child.kill();
    auto snapshot = this->snapshot();
    const std::string text = dump_text(snapshot, {});
    EXPECT_NE(
        text.find("in flight                                web-2[" + std::to_string(child.killed_pid()) +
                  "]/rx-1 orders.api: \"charge {} for {}\"  (api.cpp:88 handle)\n"),
        std::string::npos)
        << text;
    EXPECT_FALSE(dumped_objects(snapshot, "in_flight").empty());
  }
}

TEST_F(DumpTest, TellsACommittedRecordFromOneInFlight) {
  // Killed between the commit and the end of `busy`.
  Child child([&] {
    static auto attachment = shm::Attachment::attach(options_, "web-2");
    TestWriter writer(*attachment, 4719, "rx-1");
    writer.log("orders.api", 20, "charge {}", "whole");
    writer.lane().writer.line->busy.store(
        detail::kBusyStamping |
        detail::frame_tag(detail::FrameKind::kRecord, writer.site("orders.api", 20, "charge {}")) << 2);
  });
  child.kill();
  auto snapshot = this->snapshot();
  EXPECT_EQ(dumped_messages(snapshot), Messages{"charge whole"});
  EXPECT_TRUE(dumped_objects(snapshot, "in_flight").empty());
}

TEST_F(DumpTest, WritesTextAsDocumented) {
  Child child([&] {
    static auto attachment = shm::Attachment::attach(options_, "web-2");
    TestWriter writer(*attachment, 4719, "rx-1");
    writer.log("orders.api", 30, "failed {}", "\x1b[0m");
  });
  auto snapshot = this->snapshot();
  tools::DumpOptions options;
  options.utc = true;
  std::istringstream lines(dump_text(snapshot, options));
  std::string line;
  std::getline(lines, line);
  EXPECT_TRUE(line.starts_with("# bus test  layout 3  uuid ")) << line;
  std::getline(lines, line);
  EXPECT_TRUE(line.starts_with("# process 0  web-2  pid " + std::to_string(child.pid()) + "  uid ")) << line;
  EXPECT_TRUE(line.ends_with("  live")) << line;
  std::getline(lines, line);
  EXPECT_TRUE(line.starts_with("# lane 0  process 0  thread 4719 rx-1  committed ")) << line;
  EXPECT_TRUE(line.ends_with("  resident 8 KiB  dropped 0  [#.........]")) << line;
  std::getline(lines, line);
  EXPECT_EQ(line.substr(std::string("2026-03-01T09:14:02.118204").size()),
            "+00:00 WARNING web-2[" + std::to_string(child.pid()) +
                "]/rx-1 orders.api: failed \\x1b[0m  order=42  (api.cpp:88 handle)");
  EXPECT_FALSE(std::getline(lines, line)) << line;
}

TEST_F(DumpTest, TakesNamesFromTheFramesOn) {
  Child child([&] {
    static auto attachment = shm::Attachment::attach(options_, "web-2");
    TestWriter writer(*attachment, 4719, "old");
    writer.log("a", 20, "{}", "1");
    writer.names("new", "renamed");
    writer.log("a", 20, "{}", "2");
  });
  auto snapshot = this->snapshot();
  const auto records = dumped_objects(snapshot, "record");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0]["record"]["threadName"], "old");
  EXPECT_EQ(records[1]["record"]["threadName"], "new");
  EXPECT_EQ(records[1]["record"]["processName"], "renamed");
}

TEST_F(DumpTest, MarksWhatHasBeenReadAndKeepsShowingIt) {
  Child child([&] { two_threads(options_); });
  {
    const shm::Segment segment = sidecar();
    LaneTap tap(segment, 0);
    shm::Frame frame;
    ASSERT_EQ(tap.next(frame), shm::Parse::kFrame);
    tap.commit();
  }
  auto snapshot = this->snapshot();
  EXPECT_EQ(dumped_messages(snapshot), kTurns);
  const auto records = dumped_objects(snapshot, "record");
  EXPECT_EQ(records[0]["state"], "read");
  EXPECT_EQ(records[2]["state"], "committed");
}

TEST_F(DumpTest, ShowsTheUnreadRestOfTheOlderLapAndTheNewestLap) {
  Child child([&] {
    static auto attachment = shm::Attachment::attach(options_, "web-2");
    const shm::Segment segment = sidecar();
    TestWriter writer(*attachment, 4719, "rx-1");
    LaneTap tap(segment, 0);
    // Reads along, until a new lap has begun while one record of the old one is unread.
    const auto newest = [&] { return std::max(tap.view().origin[0], tap.view().origin[1]); };
    shm::Frame frame;
    for (int i = 0; newest() == 0; ++i) {
      writer.log("a", 20, "{}", std::to_string(i));
      if (i % 2 == 0 || newest() != 0) continue;
      if (tap.next(frame) != shm::Parse::kFrame) throw std::runtime_error("nothing to read");
      tap.commit();
    }
  });
  auto snapshot = this->snapshot();
  const Messages messages = dumped_messages(snapshot);
  const auto lane = snapshot.read_lane(0);
  ASSERT_LT(lane.read, lane.origin);
  ASSERT_LT(lane.origin, lane.committed);
  // From the first unread record to the last one, none missing.
  ASSERT_GT(messages.size(), 2U);
  for (std::size_t i = 1; i < messages.size(); ++i)
    EXPECT_EQ(std::stoi(messages[i]), std::stoi(messages[i - 1]) + 1);
  EXPECT_EQ(lane.frames.front().position, lane.read);
  EXPECT_EQ(lane.frames.back().position + lane.frames.back().size, lane.committed);
}

TEST_F(DumpTest, FallsBackOnUnreadRecordsWhereMemoryHasBeenGivenBack) {
  Child child([&] {
    static auto attachment = shm::Attachment::attach(options_, "web-2");
    TestWriter writer(*attachment, 4719, "rx-1");
    for (int i = 0; i < 300; ++i) writer.log("a", 20, "{}", std::string(50, 'x') + std::to_string(i));
  });
  child.kill();
  const shm::Segment segment = sidecar();
  LaneTap tap(segment, 0);
  shm::Frame frame;
  int left = 300;
  // Up to the first frame behind the first step.
  while (tap.cursor() < detail::kFirstStepBytes && tap.next(frame) == shm::Parse::kFrame) --left;
  tap.commit();
  const base::UniqueFd fd = segment.reopen();
  ASSERT_EQ(::fallocate(fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        static_cast<off_t>(segment.lane_file_offset(0)), detail::kFirstStepBytes),
            0);
  auto snapshot = this->snapshot();
  const Messages messages = dumped_messages(snapshot);
  ASSERT_EQ(messages.size(), static_cast<std::size_t>(left));
  EXPECT_EQ(messages.front(), std::string(50, 'x') + std::to_string(300 - left));
}

TEST_F(DumpTest, ShowsACopiedFile) {
  Child child([&] { two_threads(options_); });
  child.kill();
  const std::string copy = directory_.path() + "/copy of it";
  std::filesystem::copy_file(path(), copy);
  std::filesystem::remove(path());
  auto snapshot = shm::Snapshot::of_file(copy);
  EXPECT_EQ(dumped_messages(snapshot), kTurns);
  EXPECT_EQ(dumped_objects(snapshot, "process").at(0)["state"], "unknown");
}

TEST_F(DumpTest, ShowsASegmentOfAnEarlierBoot) {
  Child child([&] { two_threads(options_); });
  child.kill();
  {
    std::fstream file(path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offsetof(detail::Preamble, boot_id));
    file.write("00000000", 8);
  }
  auto snapshot = this->snapshot();
  EXPECT_EQ(dumped_messages(snapshot), kTurns);
  EXPECT_EQ(dumped_objects(snapshot, "process").at(0)["state"], "dead");
  // Its times come from the readings in it.
  const auto now = static_cast<std::int64_t>(detail::clock_ns(CLOCK_REALTIME));
  const std::int64_t created = dumped_objects(snapshot, "record").at(0)["record"]["created_ns"];
  EXPECT_LT(std::abs(now - created), 60'000'000'000);
}

TEST_F(DumpTest, GivesNoTornFrameOfALaneInUse) {
  Child child([&] {
    static auto attachment = shm::Attachment::attach(options_, "web-2");
    // Behind the pipe's byte: writes and reads along, so that laps begin all the time, until it is killed.
    static std::thread forever([&options = options_] {
      const shm::Segment segment = shm::Segment::open_existing(options, shm::Segment::Role::kSidecar);
      TestWriter writer(*attachment, 4719, "rx-1");
      LaneTap tap(segment, 0);
      shm::Frame frame;
      for (std::uint64_t i = 0;; ++i) {
        // In turns close behind, and up to half a lane behind.
        const std::uint64_t lag = i / 1000 % 2 == 0 ? 0 : 20'000;
        static_cast<void>(writer.put(pattern(i, 16 + i % 50 * 8), 20, false, 1));
        while (writer.lane().writer.position - tap.cursor() > lag && tap.next(frame) == shm::Parse::kFrame) {
        }
        tap.commit();
      }
    });
  });
  const auto snapshot = this->snapshot();
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  std::uint64_t frames = 0;
  std::uint64_t laps = 0;
  std::uint64_t origin = 0;
  while (std::chrono::steady_clock::now() < end) {
    const shm::LaneContents lane = snapshot.read_lane(0);
    std::uint64_t last = 0;
    for (const shm::Frame& frame : lane.frames) {
      std::uint64_t sequence = 0;
      ASSERT_TRUE(check_pattern({frame.payload, frame.payload_size}, sequence))
          << "at " << frame.position << ", lap at " << lane.origin << ", read " << lane.read;
      if (last != 0 && frame.position != lane.read) {
        ASSERT_EQ(sequence, last + 1);
      }
      last = sequence;
      ++frames;
    }
    laps += lane.origin != origin ? 1 : 0;
    origin = lane.origin;
  }
  EXPECT_GT(frames, 1000U);
  EXPECT_GT(laps, 10U);
}

TEST_F(DumpTest, GivesHolesNoMemory) {
  Child child([&] { two_threads(options_); });
  struct stat before = {};
  struct stat after = {};
  ASSERT_EQ(::stat(path().c_str(), &before), 0);
  auto snapshot = this->snapshot();
  tools::DumpOptions options;
  options.site = true;
  dump_text(snapshot, options);
  ASSERT_EQ(::stat(path().c_str(), &after), 0);
  EXPECT_EQ(before.st_blocks, after.st_blocks);
  EXPECT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

TEST_F(DumpTest, ShowsGaps) {
  Child child([&] {
    static auto attachment = shm::Attachment::attach(options_, "web-2");
    TestWriter writer(*attachment, 4719, "rx-1");
    writer.log("a", 20, "{}", "before");
    writer.lane().count_drop(20, detail::DropReason::kLaneFull);
    writer.lane().count_drop(40, detail::DropReason::kLaneFull);
    writer.log("a", 20, "{}", "behind");
  });
  auto snapshot = this->snapshot();
  const auto gaps = dumped_objects(snapshot, "gap");
  ASSERT_EQ(gaps.size(), 1U);
  EXPECT_EQ(gaps[0]["dropped"], (std::vector<int>{0, 1, 0, 1, 0}));
  EXPECT_NE(dump_text(snapshot, {}).find("records dropped here; 2 in this lane so far"), std::string::npos);
}

TEST_F(DumpTest, SelectsRecords) {
  Child child([&] { two_threads(options_); });
  auto snapshot = this->snapshot();
  tools::DumpOptions options;
  options.tail = 2;
  EXPECT_EQ(dumped_messages(snapshot, options), (Messages{"charge rx2", "query tx2"}));
  options.filter.level = 30;
  EXPECT_EQ(dumped_messages(snapshot, options), (Messages{"query tx1", "query tx2"}));
  options = {};
  options.filter.logger = "orders.api";
  options.filter.pattern.emplace("rx[01]");
  EXPECT_EQ(dumped_messages(snapshot, options), (Messages{"charge rx0", "charge rx1"}));
  options = {};
  options.lane_number = 1;
  EXPECT_EQ(dumped_messages(snapshot, options), (Messages{"query tx0", "query tx1", "query tx2"}));
  options = {};
  options.worker = "web-3";
  EXPECT_EQ(dumped_messages(snapshot, options), Messages{});
  options = {};
  options.record = false;
  EXPECT_EQ(dumped_messages(snapshot, options), Messages{});
}

}  // namespace
}  // namespace logbus::testing
