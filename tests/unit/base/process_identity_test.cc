// SPDX-License-Identifier: MIT
// What a process says about itself.
#include "base/process_identity.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>

#include <logbus/error.h>
#include "base/unique_fd.h"

namespace logbus::base {
namespace {

TEST(ProcessIdentityTest, NamesTheCallingProcess) {
  const ProcessIdentity id = process_identity();
  EXPECT_EQ(id.pid, ::getpid());
  EXPECT_EQ(id.uid, ::getuid());
  EXPECT_EQ(id.executable, std::filesystem::read_symlink("/proc/self/exe").string());
  EXPECT_NE(id.pid_namespace, 0U);
}

TEST(ProcessIdentityTest, FindsTheStartTimeBehindANameWithSpacesAndParentheses) {
  const std::uint64_t before = process_identity().start_time;
  EXPECT_NE(before, 0U);
  const std::string name = thread_name();
  ASSERT_EQ(::pthread_setname_np(::pthread_self(), "a) S 1 (b) 2 3"), 0);
  EXPECT_EQ(thread_name(), "a) S 1 (b) 2 3");
  EXPECT_EQ(process_identity().start_time, before);
  ::pthread_setname_np(::pthread_self(), name.c_str());
}

TEST(ProcessIdentityTest, ThreadIdOfTheMainThreadIsThePid) {
  EXPECT_EQ(thread_id(), static_cast<std::uint32_t>(::getpid()));
}

TEST(ProcessIdentityTest, BootIdIsAUuidThatStays) {
  EXPECT_EQ(boot_id().size(), 36U);
  EXPECT_EQ(boot_id(), boot_id());
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

TEST(UniqueFdTest, ClosesWhatItOwns) {
  const int fd = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  { const UniqueFd owner(fd); }
  EXPECT_FALSE(is_open(fd));
}

TEST(UniqueFdTest, GivesItsDescriptorAwayWhenMoved) {
  UniqueFd first(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int fd = first.get();
  UniqueFd second(std::move(first));
  EXPECT_FALSE(static_cast<bool>(first));  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_EQ(second.get(), fd);
  UniqueFd third(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int replaced = third.get();
  third = std::move(second);
  EXPECT_EQ(third.get(), fd);
  EXPECT_FALSE(is_open(replaced));
  EXPECT_TRUE(is_open(fd));
}

TEST(UniqueFdTest, ReleaseLeavesTheDescriptorOpen) {
  UniqueFd owner(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const int fd = owner.release();
  EXPECT_FALSE(static_cast<bool>(owner));
  EXPECT_TRUE(is_open(fd));
  ::close(fd);
}

TEST(ErrorTest, CarriesTheErrnoAndItsText) {
  const Error e(ENOENT, "can't open bus /x");
  EXPECT_EQ(e.code(), ENOENT);
  EXPECT_STREQ(e.what(), "can't open bus /x: No such file or directory");
}

TEST(ErrorTest, WithoutErrnoIsTheSentenceAlone) {
  EXPECT_STREQ(Error(0, "no").what(), "no");
}

}  // namespace
}  // namespace logbus::base
