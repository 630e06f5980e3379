// SPDX-License-Identifier: MIT
// Threads that end, programs that start and end, signals in the middle of a record.
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <logbus/logger.h>

#include "unit/producer/test_bus.h"

namespace logbus {
namespace {

using testing::TestBus;

int lanes_in(const shm::Segment& segment, detail::LaneState state) {
  int count = 0;
  for (std::uint32_t lane = 0; lane < segment.lanes(); ++lane)
    count += detail::unpack_lane(segment.producer_line(lane).word.load()).state == state;
  return count;
}

TEST(ThreadEndTest, GivesTheLaneBack) {
  TestBus bus;
  for (int i = 0; i < 50; ++i) std::thread([i] { get_logger("end").info("{}", i); }).join();
  EXPECT_EQ(bus.records().size(), 50U);
  const shm::Segment segment = bus.open();
  EXPECT_EQ(lanes_in(segment, detail::LaneState::kClosed), 50);
  EXPECT_EQ(lanes_in(segment, detail::LaneState::kOpen), 0);
}

struct LogsAtItsEnd {
  int number = 0;
  ~LogsAtItsEnd() { get_logger("end").info("thread_local {}", number); }
};

TEST(ThreadEndTest, DestructorsOfThreadLocalsMayLog) {
  TestBus bus;
  std::thread([] {
    static thread_local LogsAtItsEnd before_first_record{1};
    before_first_record.number = 1;
    get_logger("end").info("body");
    static thread_local LogsAtItsEnd after_first_record{2};
    after_first_record.number = 2;
  }).join();
  EXPECT_EQ(bus.messages(), (std::vector<std::string>{"body", "thread_local 2", "thread_local 1"}));
  const shm::Segment segment = bus.open();
  EXPECT_EQ(lanes_in(segment, detail::LaneState::kClosed), 1);
  EXPECT_EQ(lanes_in(segment, detail::LaneState::kOpen), 0);
}

pthread_key_t early_key;
pthread_key_t late_key;

extern "C" void log_in_key_destructor(void* value) {
  const auto round = reinterpret_cast<std::uintptr_t>(value);
  get_logger("end").info("key round {}", static_cast<int>(round));
  if (round < PTHREAD_DESTRUCTOR_ITERATIONS)
    ::pthread_setspecific(late_key, reinterpret_cast<void*>(round + 1));
}

TEST(ThreadEndTest, DestructorsOfKeysMayLogToTheLastRound) {
  TestBus bus;
  ASSERT_EQ(::pthread_key_create(&early_key, nullptr), 0);
  get_logger("end").info("main");  // the library's key is made now, if it wasn't before: ours runs behind it
  ASSERT_EQ(::pthread_key_create(&late_key, &log_in_key_destructor), 0);
  std::thread([] {
    ::pthread_setspecific(late_key, reinterpret_cast<void*>(std::uintptr_t{1}));
    get_logger("end").info("body");
  }).join();
  ::pthread_key_delete(late_key);
  ::pthread_key_delete(early_key);
  EXPECT_EQ(bus.messages(), (std::vector<std::string>{"main", "body", "key round 1", "key round 2",
                                                      "key round 3", "key round 4"}));
  const shm::Segment segment = bus.open();
  EXPECT_EQ(lanes_in(segment, detail::LaneState::kOpen), 1);  // main's
}

/// Runs a program with this directory; its output.
std::string run(const std::string& directory, const std::string& program, const std::string& mode) {
  const std::string command = "LOGBUS_DIR='" + directory + "' '" + program + "' " + mode + " 2>&1";
  FILE* out = ::popen(command.c_str(), "r");
  std::string text;
  char buffer[256];
  while (out != nullptr && std::fgets(buffer, sizeof buffer, out) != nullptr) text += buffer;
  const int status = out == nullptr ? -1 : ::pclose(out);
  EXPECT_EQ(status, 0) << text;
  return text;
}

TEST(ProgramTest, StaticConstructorsAndDestructorsMayLog) {
  TestBus bus;  // the program's bus has the same name and directory
  EXPECT_EQ(run(bus.directory(), PRODUCER_STATICS, "statics"), "static constructor\n");
  EXPECT_EQ(bus.messages(), (std::vector<std::string>{"main", "atexit", "static destructor"}));
}

TEST(ProgramTest, TenLineWorkerLogsWhatItSays) {
  TestBus bus;
  EXPECT_EQ(run(bus.directory(), PRODUCER_HELLO, ""), "");
  EXPECT_EQ(bus.messages("orders"),
            (std::vector<std::string>{"listening on 8080", "slow query", "charge failed"}));
}

TEST(ProgramTest, GoesOnUnderTheSamePidAfterExec) {
  TestBus bus;
  EXPECT_EQ(run(bus.directory(), PRODUCER_STATICS, "exec"), "static constructor\nstatic constructor\n");
  EXPECT_EQ(bus.messages(), (std::vector<std::string>{"before exec", "main", "atexit", "static destructor"}));
  std::set<std::uint32_t> pids;
  const shm::Segment segment = bus.open();
  for (std::uint32_t slot = 0; slot < segment.slots(); ++slot) {
    if (segment.slot(slot).pid.load() != 0) pids.insert(segment.slot(slot).pid.load());
  }
  EXPECT_EQ(pids.size(), 2U);  // ours, and the program's in two slots
}

std::atomic<int> handled{0};

extern "C" void log_in_handler(int) {
  get_logger("signal").warning("handler {} {}", handled.fetch_add(1), "text");
}

TEST(SignalTest, RecordsInAHandlerAreWrittenOrCounted) {
  TestBus bus;
  Logger& logger = get_logger("signal");
  logger.warning("handler {} {}", -1, "text");
  struct sigaction action = {};
  action.sa_handler = &log_in_handler;
  struct sigaction old_action = {};
  ASSERT_EQ(::sigaction(SIGALRM, &action, &old_action), 0);
  const itimerval often{{0, 200}, {0, 200}};
  const itimerval never{};
  handled = 0;
  log_in_handler(0);  // the handler's own site is known from now on
  ::setitimer(ITIMER_REAL, &often, nullptr);
  int written = 0;
  while (handled < 500 && written < 20'000) logger.warning("main {}", written++);
  ::setitimer(ITIMER_REAL, &never, nullptr);
  ::sigaction(SIGALRM, &old_action, nullptr);
  const shm::Segment segment = bus.open();
  const auto& line = segment.producer_line(0);
  std::uint64_t dropped = 0;
  for (const auto& count : line.dropped) dropped += count.load();
  EXPECT_EQ(line.records.load() + dropped, static_cast<std::uint64_t>(1 + handled + written));
  EXPECT_EQ(dropped, line.dropped_reason[static_cast<std::size_t>(detail::DropReason::kNested)].load());
  EXPECT_EQ(bus.records().size(), line.records.load());
}

}  // namespace
}  // namespace logbus
