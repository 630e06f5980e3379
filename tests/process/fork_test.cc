// SPDX-License-Identifier: MIT
// Processes that fork, from any thread, before and after they have logged.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <logbus/handler.h>
#include <logbus/logger.h>

#include "unit/producer/test_bus.h"

namespace logbus {
namespace {

using testing::Seen;
using testing::TestBus;

/// In the child: `work`, then the end. A child that hangs is ended by its alarm, and then its records are
/// missing.
template <class Work>
pid_t fork_to(Work work) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::alarm(30);
  work();
  ::_exit(0);
}

void wait_for(pid_t child) {
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
}

void log_many(int who, int count, int from = 0) {
  for (int i = from; i < from + count; ++i) get_logger("fork").info("{} {}", who, i);
}

std::int64_t number(const LogRecord& record, std::size_t argument) {
  return *record.args.get_if<List>()->at(argument).get_if<std::int64_t>();
}

/// Checks that each writer's records are all there and in order; gives the lanes of each.
std::map<std::int64_t, std::set<std::uint32_t>> check_complete(const TestBus& bus, std::int64_t count) {
  std::map<std::int64_t, std::int64_t> next;
  std::map<std::int64_t, std::set<std::uint32_t>> lanes;
  for (const Seen& seen : bus.frames()) {
    const std::int64_t who = number(seen.record, 0);
    EXPECT_EQ(number(seen.record, 1), next[who]++) << "of writer " << who;
    lanes[who].insert(seen.lane);
  }
  for (const auto& [who, n] : next) EXPECT_EQ(n, count) << "of writer " << who;
  return lanes;
}

class Discard : public Handler {
 protected:
  void emit(const LogRecord& record) override { static_cast<void>(record.get_message()); }
};

std::uint32_t slot_of(const shm::Segment& segment, std::uint32_t lane) {
  return detail::unpack_lane(segment.producer_line(lane).word.load()).slot;
}

TEST(ForkTest, BeforeFirstUseEachChildHasALaneAndASlotOfItsOwn) {
  TestBus bus;
  std::vector<pid_t> children;
  for (int who = 1; who <= 4; ++who) children.push_back(fork_to([who] { log_many(who, 100); }));
  log_many(0, 100);
  for (const pid_t child : children) wait_for(child);
  const auto lanes = check_complete(bus, 100);
  ASSERT_EQ(lanes.size(), 5U);
  const shm::Segment segment = bus.open();
  std::set<std::uint32_t> slots;
  for (const auto& [who, of_one] : lanes) {
    EXPECT_EQ(of_one.size(), 1U);
    const std::uint32_t slot = slot_of(segment, *of_one.begin());
    slots.insert(slot);
    const pid_t pid = who == 0 ? ::getpid() : children[static_cast<std::size_t>(who) - 1];
    EXPECT_EQ(segment.slot(slot).pid.load(), static_cast<std::uint32_t>(pid));
  }
  EXPECT_EQ(slots.size(), 5U);
}

TEST(ForkTest, AfterFirstUseParentAndChildGoOnApart) {
  TestBus bus;
  log_many(0, 50);
  const pid_t child = fork_to([] { log_many(1, 100); });
  log_many(0, 50, 50);
  wait_for(child);
  const auto lanes = check_complete(bus, 100);
  ASSERT_EQ(lanes.size(), 2U);
  EXPECT_EQ(lanes.at(0).size(), 1U);
  EXPECT_NE(*lanes.at(0).begin(), *lanes.at(1).begin());
}

TEST(ForkTest, ChildrenOfChildren) {
  TestBus bus;
  log_many(0, 100);
  wait_for(fork_to([] {
    log_many(1, 50);
    const pid_t grandchild = fork_to([] { log_many(2, 100); });
    log_many(1, 50, 50);
    int status = 0;
    ::waitpid(grandchild, &status, 0);
  }));
  EXPECT_EQ(check_complete(bus, 100).size(), 3U);
}

TEST(ForkTest, FromThreadsWhileOthersLog) {
  TestBus bus;
  constexpr int kThreads = 4;
  std::atomic<bool> stop{false};
  std::vector<std::thread> noise;
  // They make loggers, records and texts all the time, with all the locks of that.
  get_logger("noise").set_propagate(false);
  const auto discard = std::make_shared<Discard>();
  get_logger("noise").add_handler(discard);
  for (int t = 0; t < 2; ++t) {
    noise.emplace_back([&stop, t] {
      for (int i = 0; !stop; ++i)
        get_logger("noise." + std::to_string(t) + "." + std::to_string(i % 50)).warning(runtime("{}"), i);
    });
  }
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t] {
      log_many(t, 25);
      const pid_t child = fork_to([t] {
        log_many(100 + t, 50);
        std::thread([t] { log_many(200 + t, 100); }).join();
        log_many(100 + t, 50, 50);
      });
      log_many(t, 75, 25);
      wait_for(child);
    });
  }
  for (std::thread& thread : threads) thread.join();
  stop = true;
  for (std::thread& thread : noise) thread.join();
  get_logger("noise").remove_handler(discard);
  const auto lanes = check_complete(bus, 100);
  EXPECT_EQ(lanes.size(), 3U * kThreads);
  for (const auto& [who, of_one] : lanes) EXPECT_EQ(of_one.size(), 1U) << "writer " << who;
}

TEST(ForkTest, ChildLogsToStderrAsWell) {
  ::testing::internal::CaptureStderr();
  basic_config({.level = Level::kInfo, .force = true});
  std::atomic<bool> stop{false};
  std::thread noise([&stop] {
    while (!stop) get_logger("noise").warning("x");
  });
  for (int i = 0; i < 20; ++i) wait_for(fork_to([] { get_logger("child").info("here"); }));
  stop = true;
  noise.join();
  const std::string text = ::testing::internal::GetCapturedStderr();
  int found = 0;
  for (std::size_t at = text.find("INFO:child:here\n"); at != std::string::npos;
       at = text.find("INFO:child:here\n", at + 1))
    ++found;
  EXPECT_EQ(found, 20);
}

TEST(ForkTest, ChildKeepsItsContextAndItsThreadsName) {
  TestBus bus;
  set_thread_name("parent's");
  const ScopedContext context(kv("request", 7));
  get_logger("fork").info("{} {}", 0, 0);
  wait_for(fork_to([] { get_logger("fork").info("{} {}", 1, 0); }));
  const auto records = bus.records();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[1].extra, (Fields{{"request", Value(7)}}));
  const shm::Segment segment = bus.open();
  const auto& line = segment.producer_line(1);
  EXPECT_STREQ(line.thread_name[line.name_index.load() & 1], "parent's");
}

TEST(ForkTest, VforkedChildLogsOnTheParentsLane) {
  TestBus bus;
  log_many(0, 1);
  const pid_t child = ::vfork();
  if (child == 0) {
    get_logger("fork").info("{} {}", 0, 1);
    ::_exit(0);
  }
  wait_for(child);
  get_logger("fork").info("{} {}", 0, 2);
  const auto lanes = check_complete(bus, 3);
  EXPECT_EQ(lanes.at(0).size(), 1U);
}

}  // namespace
}  // namespace logbus
