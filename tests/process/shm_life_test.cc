// SPDX-License-Identifier: MIT
// The proof of life: how long the kernel's lock on a slot lasts, whatever its process does. And who makes the
// bus.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstring>
#include <functional>
#include <new>
#include <vector>

#include "base/kernel.h"
#include "support/shm_bus.h"

namespace logbus::shm {
namespace {

using namespace std::chrono_literals;
using testing::small_bus;
using testing::TempDir;

struct Shared {
  std::atomic<int> ready;
  std::atomic<pid_t> grandchild;
  unsigned char uuid[16][16];
};

class LifeTest : public ::testing::Test {
 protected:
  LifeTest() {
    void* at = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    shared_ = new (at) Shared{};
  }
  ~LifeTest() override {
    for (const pid_t pid : children_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    ::munmap(shared_, sizeof(Shared));
  }

  /// A child that attaches, does `then`, says that it is ready and waits to be killed.
  pid_t attached_child(const std::function<void()>& then) {
    shared_->ready = 0;
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const auto worker = Attachment::attach(options_, "life");
      then();
      shared_->ready = 1;
      for (;;) ::pause();
    }
    children_.push_back(pid);
    return pid;
  }
  bool wait_ready() {
    return eventually([this] { return shared_->ready == 1; });
  }
  static bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      ::usleep(200);
    }
    return true;
  }
  bool locked(std::uint32_t slot = 0) {
    const base::UniqueFd fd = segment_.reopen();
    return base::is_locked(fd.get(), kSlotLockBase + slot, 1);
  }
  bool is_zombie(pid_t pid) {
    siginfo_t info = {};
    return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid == pid;
  }

  TempDir directory_;
  BusOptions options_ = small_bus(directory_);
  Segment segment_ = Segment::open(options_, Segment::Role::kSidecar);
  Shared* shared_;
  std::vector<pid_t> children_;
};

TEST_F(LifeTest, LockSurvivesTheCloseOfEveryDescriptor) {
  const pid_t pid = attached_child([] { ::syscall(SYS_close_range, 0U, ~0U, 0U); });
  ASSERT_TRUE(wait_ready());
  EXPECT_TRUE(locked());
  EXPECT_FALSE(LifeLock::try_take(segment_, kSlotLockBase).held());
  ::kill(pid, SIGKILL);
  EXPECT_TRUE(eventually([this] { return !locked(); }));
  EXPECT_TRUE(eventually([&] { return is_zombie(pid); })) << "and nobody has reaped it";
}

TEST_F(LifeTest, LockIsFreeWhenTheProcessIsAZombie) {
  const pid_t pid = attached_child([] {});
  ASSERT_TRUE(wait_ready());
  ::kill(pid, SIGKILL);
  ASSERT_TRUE(eventually([&] { return is_zombie(pid); }));
  EXPECT_FALSE(locked());
  EXPECT_TRUE(LifeLock::try_take(segment_, kSlotLockBase).held());
}

TEST_F(LifeTest, LockIsRefusedToASecondClaimantOfTheSameProcess) {
  LifeLock first = LifeLock::try_take(segment_, kSlotLockBase + 3);
  EXPECT_TRUE(first.held());
  EXPECT_FALSE(first.weak());
  EXPECT_FALSE(LifeLock::try_take(segment_, kSlotLockBase + 3).held());
  EXPECT_TRUE(LifeLock::try_take(segment_, kSlotLockBase + 4).held());
  first.release();
  EXPECT_FALSE(locked(3));
  EXPECT_TRUE(LifeLock::try_take(segment_, kSlotLockBase + 3).held());
}

TEST_F(LifeTest, LockEndsWithExec) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const auto worker = Attachment::attach(options_, "life");
    shared_->ready = 1;
    while (shared_->ready != 2) ::usleep(100);
    ::execl("/bin/sleep", "sleep", "60", nullptr);
    ::_exit(1);
  }
  children_.push_back(pid);
  ASSERT_TRUE(wait_ready());
  EXPECT_TRUE(locked());
  shared_->ready = 2;
  EXPECT_TRUE(eventually([this] { return !locked(); }));
  EXPECT_FALSE(is_zombie(pid)) << "the same process, another program";
}

TEST_F(LifeTest, AForkedChildDoesNotKeepTheLock) {
  const pid_t pid = attached_child([this] {
    const pid_t grandchild = ::fork();
    if (grandchild == 0) {
      ::prctl(PR_SET_PDEATHSIG, 0);
      for (;;) ::pause();
    }
    shared_->grandchild = grandchild;
  });
  ASSERT_TRUE(wait_ready());
  EXPECT_TRUE(locked());
  ::kill(pid, SIGKILL);
  EXPECT_TRUE(eventually([this] { return !locked(); }));
  EXPECT_EQ(::kill(shared_->grandchild, 0), 0) << "it lives";
  ::kill(shared_->grandchild, SIGKILL);
}

TEST_F(LifeTest, VforkAndExecOfAnotherProgramChangeNothing) {
  attached_child([] {
    const pid_t other = ::vfork();
    if (other == 0) {
      ::execl("/bin/true", "true", nullptr);
      ::_exit(1);
    }
    ::waitpid(other, nullptr, 0);
  });
  ASSERT_TRUE(wait_ready());
  EXPECT_TRUE(locked());
}

TEST_F(LifeTest, AStoppedProcessKeepsTheLock) {
  const pid_t pid = attached_child([] {});
  ASSERT_TRUE(wait_ready());
  ::kill(pid, SIGSTOP);
  int status = 0;
  ASSERT_EQ(::waitpid(pid, &status, WUNTRACED), pid);
  EXPECT_TRUE(locked());
  EXPECT_FALSE(LifeLock::try_take(segment_, kSlotLockBase).held());
}

TEST_F(LifeTest, TheLockIsSeenFromAnotherPidNamespace) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::unshare(CLONE_NEWPID) != 0) ::_exit(1);
    const pid_t inner = ::fork();
    if (inner == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      const auto worker = Attachment::attach(options_, "inside");
      shared_->ready = 1;
      for (;;) ::pause();
    }
    ::waitpid(inner, nullptr, 0);
    ::_exit(0);
  }
  children_.push_back(pid);
  ASSERT_TRUE(wait_ready());
  EXPECT_TRUE(locked());
  EXPECT_EQ(segment_.slot(0).pid.load(), 1U) << "its pid says nothing here";
}

TEST_F(LifeTest, ProcessesThatAttachAtOnceMakeOneBusAndGetASlotEach) {
  for (int round = 0; round < 10; ++round) {
    std::filesystem::remove(bus_path(options_));
    shared_->ready = 0;
    std::vector<pid_t> pids;
    for (int i = 0; i < 8; ++i) {
      const pid_t pid = ::fork();
      if (pid == 0) {
        ++shared_->ready;
        while (shared_->ready < 8) continue;
        const auto worker = Attachment::attach(options_, "race");
        std::memcpy(shared_->uuid[worker->slot_index()], worker->segment().preamble().bus_uuid, 16);
        ++shared_->ready;
        while (shared_->ready < 16) ::usleep(100);
        ::_exit(static_cast<int>(worker->slot_index()));
      }
      pids.push_back(pid);
    }
    unsigned slots = 0;
    for (const pid_t pid : pids) {
      int status = 0;
      ASSERT_EQ(::waitpid(pid, &status, 0), pid);
      ASSERT_TRUE(WIFEXITED(status));
      slots |= 1U << WEXITSTATUS(status);
    }
    EXPECT_EQ(slots, 0xFFU) << "eight slots for eight processes";
    for (int i = 1; i < 8; ++i) ASSERT_EQ(std::memcmp(shared_->uuid[0], shared_->uuid[i], 16), 0);
  }
}

}  // namespace
}  // namespace logbus::shm
