// SPDX-License-Identifier: MIT
// emit onto a real bus: in order, waiting for room, telling what did not get there.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "shm/segment_create.h"
#include "tools/emit.h"
#include "tools_bus.h"

namespace logbus::testing {
namespace {

using namespace std::chrono_literals;

class EmitTest : public ::testing::Test {
 protected:
  tools::EmitResult emit(const std::string& text, tools::EmitOptions options = {}) {
    char* told = nullptr;
    std::size_t size = 0;
    std::FILE* file = ::open_memstream(&told, &size);
    std::istringstream input(text);
    tools::EmitResult result;
    {
      tools::BusFeed feed(options_, "");
      result = tools::emit(input, options, feed, file);
    }
    std::fclose(file);
    told_.assign(told, size);
    std::free(told);
    return result;
  }
  static tools::EmitOptions json() {
    tools::EmitOptions options;
    options.json = true;
    return options;
  }
  shm::Snapshot snapshot() const { return shm::Snapshot::of_bus(options_); }
  std::uint64_t dropped() const {
    std::uint64_t total = 0;
    const auto now = snapshot();
    for (std::uint32_t lane = 0; lane < now.lanes(); ++lane)
      for (const auto& count : now.producer_line(lane).dropped) total += count.load();
    return total;
  }

  TempDir directory_;
  shm::BusOptions options_ = small_bus(directory_, 2);
  std::string told_;
};

TEST_F(EmitTest, MakesARecordOfEachLine) {
  tools::EmitOptions options;
  options.name = "shell";
  options.level = 40;
  const auto result = emit("one\n\n100% {}\nlast without newline", options);
  EXPECT_EQ(result.committed, 4U);
  EXPECT_TRUE(result.complete);
  auto now = snapshot();
  EXPECT_EQ(dumped_messages(now), (std::vector<std::string>{"one", "", "100% {}", "last without newline"}));
  const auto record = dumped_objects(now, "record").at(0)["record"];
  EXPECT_EQ(record["name"], "shell");
  EXPECT_EQ(record["levelname"], "ERROR");
}

TEST_F(EmitTest, NamesBadLinesAndGoesOn) {
  const auto result = emit("{\"msg\":\"a\"}\nnot json\n[1]\n\n{\"msg\":\"b\"}\n", json());
  EXPECT_EQ(result.committed, 2U);
  EXPECT_EQ(result.bad, 2U);
  EXPECT_TRUE(result.complete);
  EXPECT_NE(told_.find("line 2: not JSON"), std::string::npos) << told_;
  EXPECT_NE(told_.find("line 3: not a JSON object"), std::string::npos) << told_;
  auto now = snapshot();
  EXPECT_EQ(dumped_messages(now), (std::vector<std::string>{"a", "b"}));
}

TEST_F(EmitTest, RefusesARecordLargerThanALaneTakes) {
  const auto result = emit("{\"msg\":\"" + std::string(40'000, 'x') + "\"}\n{\"msg\":\"fits\"}\n", json());
  EXPECT_EQ(result.committed, 1U);
  EXPECT_EQ(result.bad, 1U);
  EXPECT_NE(told_.find("line 1: a record of 40"), std::string::npos) << told_;
  EXPECT_EQ(dropped(), 0U);
}

TEST_F(EmitTest, ReproducesTheRecordsThatDumpShows) {
  emit(
      R"({"name":"a","msg":"%s %d","args":["x",1],"levelno":20,"levelname":"INFO","created":1772352842.25,"k":[1,{"z":null}]})"
      "\n"
      R"({"msg":null,"name":null,"created":3,"exc_text":"Traceback\n  x","relativeCreated":12.5})"
      "\n",
      json());
  auto first = snapshot();
  const auto records = dumped_objects(first, "record");
  ASSERT_EQ(records.size(), 2U);
  std::string lines;
  for (const auto& object : records) lines += object["record"].dump() + "\n";
  ASSERT_TRUE(shm::remove_bus(options_, false));
  EXPECT_EQ(emit(lines, json()).committed, 2U);
  auto second = snapshot();
  const auto again = dumped_objects(second, "record");
  ASSERT_EQ(again.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(again[i]["message"], records[i]["message"]);
    EXPECT_EQ(again[i]["record"], records[i]["record"]);
  }
}

TEST_F(EmitTest, NamesTheLineAtWhichTheBusIsFull) {
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += "a line of some length " + std::to_string(i) + "\n";
  const auto result = emit(lines);
  EXPECT_FALSE(result.complete);
  EXPECT_GT(result.committed, 100U);
  EXPECT_LT(result.committed, 5000U);
  EXPECT_NE(told_.find("line " + std::to_string(result.committed + 1) + ": no room on bus "),
            std::string::npos)
      << told_;
  // What was not taken is told, not dropped.
  EXPECT_EQ(dropped(), 0U);
  auto now = snapshot();
  EXPECT_EQ(dumped_messages(now).size(), result.committed);
}

TEST_F(EmitTest, WaitsForRoomWhileASidecarLives) {
  shm::create_segment(options_);
  const shm::Segment segment = shm::Segment::open_existing(options_, shm::Segment::Role::kSidecar);
  const shm::LifeLock lease = shm::LifeLock::try_take(segment, shm::kLeaseLock);
  ASSERT_TRUE(lease.held());
  std::atomic<bool> stop = false;
  std::uint64_t seen = 0;
  std::thread reader([&] {
    LaneTap tap(segment, 0);
    shm::Frame frame;
    for (bool last = false; !last;) {
      last = stop;
      for (; tap.next(frame) == shm::Parse::kFrame; ++seen) {
      }
      tap.commit();
      std::this_thread::sleep_for(1ms);
    }
  });
  std::string lines;
  for (int i = 0; i < 20'000; ++i) lines += "a line of some length " + std::to_string(i) + "\n";
  const auto result = emit(lines);
  stop = true;
  reader.join();
  EXPECT_EQ(result.committed, 20'000U) << told_;
  EXPECT_EQ(seen, 20'000U);
  EXPECT_EQ(dropped(), 0U);
}

TEST_F(EmitTest, GivesUpAfterTheTimeout) {
  shm::create_segment(options_);
  const shm::Segment segment = shm::Segment::open_existing(options_, shm::Segment::Role::kSidecar);
  const shm::LifeLock lease = shm::LifeLock::try_take(segment, shm::kLeaseLock);
  tools::EmitOptions options;
  options.timeout = 20ms;
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += "a line of some length " + std::to_string(i) + "\n";
  const auto result = emit(lines, options);
  EXPECT_FALSE(result.complete);
  EXPECT_NE(told_.find("within the timeout"), std::string::npos) << told_;
}

}  // namespace
}  // namespace logbus::testing
