// SPDX-License-Identifier: MIT
// What may happen to a process that logs: threads cancelled, forks in every moment, copies of the library, no
// descriptors.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <logbus/logger.h>

#include "shm/caretaker.h"
#include "unit/producer/test_bus.h"

namespace logbus {
namespace {

using testing::Seen;
using testing::TestBus;

bool is_soak() {
  const char* soak = std::getenv("LOGBUS_SOAK");
  return soak != nullptr && std::strcmp(soak, "1") == 0;
}

/// The numbers of each writer's records, which are 0, 1, 2 ...
std::map<std::int64_t, std::int64_t> count_by_writer(const TestBus& bus) {
  std::map<std::int64_t, std::int64_t> next;
  for (const Seen& seen : bus.frames()) {
    if (seen.kind != detail::FrameKind::kRecord && seen.kind != detail::FrameKind::kInline) continue;
    const List& arguments = *seen.record.args.get_if<List>();
    const std::int64_t who = *arguments.at(0).get_if<std::int64_t>();
    EXPECT_EQ(*arguments.at(1).get_if<std::int64_t>(), next[who]++) << "of writer " << who;
  }
  return next;
}

bool ends_well(pid_t child) {
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

std::uint64_t sum(const detail::Word64 (&counts)[detail::kSeverities]) {
  std::uint64_t all = 0;
  for (const detail::Word64& count : counts) all += count.load();
  return all;
}

// --- Cancellation

struct Cancelled {
  std::int64_t who;
  bool at_once;                        // before its first record
  std::atomic<std::int64_t> calls{0};  // that have returned
};

void* log_until_cancelled(void* of) {
  auto& self = *static_cast<Cancelled*>(of);
  if (self.at_once) ::pthread_cancel(::pthread_self());
  for (;; ++self.calls) {
    get_logger("cancel").info("{} {}", self.who, self.calls.load());
    if (self.calls % 8 == 7 || self.at_once) ::pthread_testcancel();
    if (self.calls % 64 == 63) ::usleep(200);
  }
}

void cancel_threads(int count, bool at_once) {
  TestBus bus;
  std::vector<Cancelled> threads(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    Cancelled& one = threads[static_cast<std::size_t>(i)];
    one.who = i;
    one.at_once = at_once;
    pthread_t thread;
    ASSERT_EQ(::pthread_create(&thread, nullptr, &log_until_cancelled, &one), 0);
    if (!at_once) {
      ::usleep(static_cast<useconds_t>(i % 7 * 100));
      ::pthread_cancel(thread);
    }
    void* result = nullptr;
    ASSERT_EQ(::pthread_join(thread, &result), 0);
    EXPECT_EQ(result, PTHREAD_CANCELED);
  }
  const auto written = count_by_writer(bus);
  for (const Cancelled& one : threads) {
    const auto found = written.find(one.who);
    const std::int64_t records = found == written.end() ? 0 : found->second;
    EXPECT_TRUE(records == one.calls || records == one.calls + 1)
        << one.calls << " calls, " << records << " records";
  }
  const shm::Segment segment = bus.open();
  for (std::uint32_t lane = 0; lane < segment.lanes(); ++lane)
    EXPECT_NE(detail::unpack_lane(segment.producer_line(lane).word.load()).state, detail::LaneState::kOpen);
}

TEST(CancellationTest, InAThreadsFirstRecordComesBehindIt) {
  cancel_threads(is_soak() ? 900 : 30, true);
}

TEST(CancellationTest, AtAnyMomentEndsOneThreadAndGivesItsLaneBack) {
  for (int round = 0; round < (is_soak() ? 20 : 1); ++round) cancel_threads(60, false);
}

TEST(CancellationTest, OfAThreadThatLogsToStderrComesBehindTheRecord) {
  ::testing::internal::CaptureStderr();
  basic_config({.level = Level::kInfo, .force = true});
  pthread_t thread;
  Cancelled one{0, true};
  ASSERT_EQ(::pthread_create(&thread, nullptr, &log_until_cancelled, &one), 0);
  ASSERT_EQ(::pthread_join(thread, nullptr), 0);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "INFO:cancel:0 0\n");
}

// --- Forks

TEST(ForkStormTest, InTheMiddleOfOtherThreadsRecords) {
  for (int round = 0; round < (is_soak() ? 100 : 1); ++round) {
    TestBus bus;
    constexpr int kForks = 100;
    std::atomic<bool> stop{false};
    std::vector<std::thread> busy;
    for (int t = 0; t < 2; ++t)
      busy.emplace_back([&stop, t] {
        for (int i = 0; !stop; ++i)
          get_logger("busy").debug("{} {} {}", -1 - t, i,
                                   std::string(static_cast<std::size_t>(i) % 8000, 'x'));
      });
    busy.emplace_back([&stop] {  // claims and gives back: nobody drains, so each lane is used once
      for (int i = 0; i < 500 && !stop; ++i)
        std::thread([] { get_logger("busy").debug("{} {}", -3, 0); }).join();
    });
    for (int who = 0; who < kForks; ++who) {
      const pid_t child = ::fork();
      if (child == 0) {
        ::alarm(30);
        for (int i = 0; i < 3; ++i) get_logger("child").info("{} {}", who, i);
        ::_exit(0);
      }
      ASSERT_TRUE(ends_well(child)) << "child " << who;
    }
    stop = true;
    for (std::thread& thread : busy) thread.join();
    std::map<std::int64_t, std::int64_t> next;
    for (const Seen& seen : bus.frames()) {
      if (seen.kind != detail::FrameKind::kRecord) continue;
      const List& arguments = *seen.record.args.get_if<List>();
      const std::int64_t who = *arguments.at(0).get_if<std::int64_t>();
      if (who < 0) continue;
      EXPECT_EQ(*arguments.at(1).get_if<std::int64_t>(), next[who]++);
    }
    for (int who = 0; who < kForks; ++who) EXPECT_EQ(next[who], 3) << "of child " << who;
  }
}

/// Whether this process has a descriptor of a segment.
bool has_a_segment_open() {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    if (std::filesystem::read_symlink(entry, ignored).string().find(".logbus") != std::string::npos)
      return true;
  return false;
}

TEST(ForkStormTest, NoChildInheritsALock) {
  testing::TempDir directory;
  const shm::Segment segment = shm::Segment::open(testing::small_bus(directory), shm::Segment::Role::kWorker);
  std::atomic<bool> stop{false};
  std::thread claimer([&] {
    while (!stop) EXPECT_TRUE(shm::LifeLock::try_take(segment, shm::kSlotLockBase).held());
  });
  int inherited = 0;
  for (int i = 0; i < (is_soak() ? 10'000 : 100); ++i) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(has_a_segment_open() ? 1 : 0);
    inherited += ends_well(child) ? 0 : 1;
  }
  stop = true;
  claimer.join();
  EXPECT_EQ(inherited, 0) << "children that would keep the lock after their parent's death";
}

TEST(CloneTest, WithoutForkHandlersTheChildHasALaneOfItsOwn) {
  TestBus bus;
  for (int i = 0; i < 10; ++i) get_logger("clone").info("{} {}", 0, i);
  for (int who = 1; who <= 10; ++who) {
    const auto child = static_cast<pid_t>(::syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, nullptr));
    if (child == 0) {
      ::alarm(30);
      for (int i = 0; i < 10; ++i) get_logger("clone").info("{} {}", who, i);
      ::_exit(0);
    }
    ASSERT_TRUE(ends_well(child));
  }
  for (int i = 10; i < 20; ++i) get_logger("clone").info("{} {}", 0, i);
  const auto written = count_by_writer(bus);
  EXPECT_EQ(written.size(), 11U);
  for (const auto& [who, count] : written) EXPECT_EQ(count, who == 0 ? 20 : 10) << "of writer " << who;
}

// --- Two copies

TEST(CopiesTest, EachHasASlotAndLanesOfItsOwn) {
  TestBus bus;
  for (int i = 0; i < 10; ++i) get_logger("copy").info("{} {}", 0, i);
  std::vector<std::thread> threads;
  for (int who = 1; who <= 2; ++who) {
    const std::string file = bus.directory() + "/copy" + std::to_string(who) + ".so";
    std::filesystem::copy_file(PRODUCER_COPY, file);
    void* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    ASSERT_NE(library, nullptr) << ::dlerror();
    const auto log_by_a_copy =
        reinterpret_cast<bool (*)(const char*, int, int)>(::dlsym(library, "log_by_a_copy"));
    ASSERT_NE(log_by_a_copy, nullptr);
    threads.emplace_back([=, &bus] { EXPECT_TRUE(log_by_a_copy(bus.directory().c_str(), who, 100)); });
  }
  for (std::thread& thread : threads) thread.join();
  for (int i = 10; i < 20; ++i) get_logger("copy").info("{} {}", 0, i);
  EXPECT_EQ(count_by_writer(bus), (std::map<std::int64_t, std::int64_t>{{0, 20}, {1, 100}, {2, 100}}));
  const shm::Segment segment = bus.open();
  int of_this_process = 0;
  for (std::uint32_t slot = 0; slot < segment.slots(); ++slot)
    of_this_process += segment.slot(slot).pid.load() == static_cast<std::uint32_t>(::getpid());
  EXPECT_EQ(of_this_process, 3);
}

// --- Claims

TEST(ClaimTest, AThreadsFirstRecordFindsMemoryWhileFreeLanesArePunched) {
  testing::TempDir directory;
  shm::BusOptions options = testing::small_bus(directory, 16, 1 << 20);
  options.memory = 1 << 20;
  const auto worker = shm::Attachment::attach(options, "w");
  const shm::Segment side = shm::Segment::open(options, shm::Segment::Role::kSidecar);
  shm::Caretaker caretaker(side, options, "");
  // Short of memory, the lease holder punches free lanes at once.
  shm::LaneOwner big = {};
  ASSERT_EQ(big.claim(*worker, 1, ""), shm::Claim::kOk);
  for (int i = 0; i < 110; ++i)
    ASSERT_EQ(testing::put(big, testing::pattern(0, 8000), 30), testing::Put::kWritten);
  caretaker.sweep_all();
  ASSERT_TRUE(caretaker.memory_is_short());
  std::atomic<bool> stop{false};
  std::thread sweeper([&] {
    while (!stop) caretaker.sweep_all();
  });
  // With one left, and that one being punched, a claim waits for the system call, but not for its process.
  const auto two_are_free = [&side] {
    int free = 0;
    for (std::uint32_t i = 0; i < side.lanes(); ++i)
      free += detail::unpack_lane(side.producer_line(i).word.load()).state == detail::LaneState::kFree;
    return free >= 2;
  };
  int dropped = 0;
  const auto record = testing::pattern(0, 64);
  for (int i = 0; i < (is_soak() ? 100'000 : 2000);) {
    if (!two_are_free()) continue;
    shm::LaneOwner lane = {};
    if (lane.claim(*worker, 1, "") != shm::Claim::kOk) continue;
    ++i;
    if (testing::put(lane, record, 30) != testing::Put::kWritten) ++dropped;
    const detail::ProducerLine& line = side.producer_line(lane.lane);
    for (std::size_t s = 0; s < detail::kSeverities; ++s)
      side.consumer_line(lane.lane).reported[s].store(line.dropped[s].load());
    side.consumer_line(lane.lane).read.store(line.committed.load());
    lane.close();
  }
  stop = true;
  sweeper.join();
  EXPECT_EQ(dropped, 0);
}

// --- Another bus

TEST(MoveTest, ARecordThatWaitedForRoomHasItsCallSiteOnTheNextBus) {
  TestBus bus;
  std::atomic<std::int64_t> calls{0};
  std::atomic<bool> stop{false};
  std::thread worker;
  {
    const shm::Segment side = bus.open();
    shm::BusOptions options;
    shm::Caretaker caretaker(side, options, "");
    side.consumer().policy.store(static_cast<std::uint32_t>(detail::Policy::kBlock));
    side.consumer().block_timeout_ns.store(60'000'000'000);
    worker = std::thread([&] {
      for (; !stop; ++calls) get_logger("moved").info("{} {}", 1, calls.load());
    });
    while (side.blocked_bitmap()[0] == 0) std::this_thread::yield();
    stop = true;
    ASSERT_TRUE(std::filesystem::remove(side.path()));
    side.retire();
    worker.join();
  }
  EXPECT_EQ(bus.messages(), std::vector{"1 " + std::to_string(calls - 1)});
}

// --- Descriptors

TEST(DescriptorTest, WithoutOneANewThreadsRecordsAreCountedAndTheOthersGoOn) {
  TestBus bus;
  const shm::Segment segment = bus.open();
  get_logger("fd").info("{} {}", 0, 0);
  ::testing::internal::CaptureStderr();
  rlimit before = {};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none = {0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  std::thread([] {
    for (int i = 0; i < 5; ++i) get_logger("fd").info("{} {}", 1, 0);
  }).join();
  for (int i = 1; i < 2000; ++i) get_logger("fd").info("{} {}", 0, i);  // grows, too
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  std::thread([] { get_logger("fd").info("{} {}", 2, 0); }).join();
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(count_by_writer(bus), (std::map<std::int64_t, std::int64_t>{{0, 2000}, {2, 1}})) << text;
  EXPECT_EQ(sum(segment.slot(0).dropped_no_lane), 5U) << text;
}

}  // namespace
}  // namespace logbus
