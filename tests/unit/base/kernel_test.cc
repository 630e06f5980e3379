// SPDX-License-Identifier: MIT
// What the rest builds on: locks of open file descriptions, futexes between processes, membarrier.
#include "base/kernel.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <thread>

#include <logbus/error.h>
#include "base/unique_fd.h"

namespace logbus::base {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

class LockTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/dev/shm/logbus-lock-XXXXXX";
    first_.reset(::mkstemp(name));
    second_.reset(::open(name, O_RDWR | O_CLOEXEC));
    path_ = name;
    ASSERT_TRUE(first_ && second_);
  }
  void TearDown() override { ::unlink(path_.c_str()); }

  static constexpr std::int64_t kByte = std::int64_t{1} << 62;
  UniqueFd first_, second_;
  std::string path_;
};

TEST_F(LockTest, IsRefusedToASecondDescriptionOfTheSameProcess) {
  EXPECT_TRUE(try_lock_byte(first_.get(), kByte));
  EXPECT_FALSE(try_lock_byte(second_.get(), kByte));
  EXPECT_TRUE(try_lock_byte(second_.get(), kByte + 1));
}

TEST_F(LockTest, IsGrantedTwiceToTheSameDescription) {
  EXPECT_TRUE(try_lock_byte(first_.get(), kByte));
  EXPECT_TRUE(try_lock_byte(first_.get(), kByte));
}

TEST_F(LockTest, IsFreeAfterUnlock) {
  ASSERT_TRUE(try_lock_byte(first_.get(), kByte));
  EXPECT_TRUE(unlock_byte(first_.get(), kByte));
  EXPECT_TRUE(try_lock_byte(second_.get(), kByte));
}

TEST_F(LockTest, SurvivesTheCloseOfAnotherDescription) {
  ASSERT_TRUE(try_lock_byte(first_.get(), kByte));
  UniqueFd third(::open(path_.c_str(), O_RDWR | O_CLOEXEC));
  third.reset();
  EXPECT_FALSE(try_lock_byte(second_.get(), kByte));
}

TEST_F(LockTest, IsSeenInARangeByOthersOnly) {
  ASSERT_TRUE(try_lock_byte(first_.get(), kByte + 7));
  EXPECT_TRUE(is_locked(second_.get(), kByte, 8));
  EXPECT_FALSE(is_locked(second_.get(), kByte, 7));
  EXPECT_FALSE(is_locked(second_.get(), kByte + 8, 100));
  EXPECT_FALSE(is_locked(first_.get(), kByte, 8)) << "one's own locks do not count";
}

TEST_F(LockTest, OnABadDescriptorIsAnError) {
  try {
    (void)try_lock_byte(-1, kByte);
    FAIL() << "no Error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), EBADF);
  }
}

TEST(FutexTest, DoesNotWaitForAnotherValue) {
  const std::uint32_t word = 5;
  const auto start = Clock::now();
  futex_wait(&word, 4, 10s);
  EXPECT_LT(Clock::now() - start, 5s);
}

TEST(FutexTest, WaitsNoLongerThanItsTimeout) {
  const std::uint32_t word = 5;
  const auto start = Clock::now();
  futex_wait(&word, 5, 1500ms);
  const auto took = Clock::now() - start;
  EXPECT_GE(took, 1400ms);
  EXPECT_LT(took, 5s);
}

TEST(FutexTest, IsWokenFromAnotherProcessThroughAReadOnlyMapping) {
  UniqueFd file(::memfd_create("futex", MFD_CLOEXEC));
  ASSERT_EQ(::ftruncate(file.get(), 4096), 0);
  void* writable = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  void* readable = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, file.get(), 0);
  auto* word = static_cast<std::atomic<std::uint32_t>*>(writable);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto start = Clock::now();
    word[1] = 1;
    while (word[0].load() == 0 && Clock::now() - start < 20s) futex_wait(readable, 0, 20s);
    ::_exit(Clock::now() - start < 15s ? 0 : 1);
  }
  while (word[1].load() == 0) std::this_thread::yield();
  word[0].store(1);
  futex_wake(writable, 1);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  ::munmap(writable, 4096);
  ::munmap(readable, 4096);
}

TEST(MembarrierTest, ReachesRegisteredProcesses) {
  EXPECT_TRUE(membarrier_register());
  EXPECT_TRUE(membarrier_global());
}

}  // namespace
}  // namespace logbus::base
