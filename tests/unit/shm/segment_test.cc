// SPDX-License-Identifier: MIT
// A bus by its name: made once, attached by all, refused when it can't be trusted, moved aside, removed.
#include "shm/segment.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <logbus/error.h>
#include "shm/caretaker.h"
#include "shm/segment_create.h"
#include "support/shm_bus.h"

namespace logbus::shm {
namespace {

using testing::small_bus;
using testing::TempDir;
using Role = Segment::Role;

class SegmentTest : public ::testing::Test {
 protected:
  std::string path() const { return bus_path(options_); }
  ino_t inode() const {
    struct stat st = {};
    return ::stat(path().c_str(), &st) == 0 ? st.st_ino : 0;
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path()))
      names.push_back(entry.path().filename().string());
    return names;
  }
  /// errno of opening the bus, 0 if it opens.
  int open_error(Role role = Role::kWorker) const {
    try {
      (void)Segment::open(options_, role);
      return 0;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(directory_.path()), std::string::npos) << e.what();
      return e.code();
    }
  }
  void overwrite(std::uint64_t offset, const std::string& bytes) {
    const base::UniqueFd fd(::open(path().c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(::pwrite(fd.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)),
              static_cast<ssize_t>(bytes.size()));
  }

  TempDir directory_;
  BusOptions options_ = small_bus(directory_);
};

TEST_F(SegmentTest, IsMadeByTheFirstAndAttachedByTheNext) {
  const Segment first = Segment::open(options_, Role::kWorker);
  const ino_t made = inode();
  const Segment second = Segment::open(options_, Role::kSidecar);
  EXPECT_EQ(inode(), made);
  EXPECT_EQ(std::memcmp(first.preamble().bus_uuid, second.preamble().bus_uuid, 16), 0);
  first.shared().attention.store(64);
  EXPECT_EQ(second.shared().attention.load(), 64U);
  second.consumer().passes.store(5);
  EXPECT_EQ(first.consumer().passes.load(), 5U);
  EXPECT_EQ(files(), std::vector<std::string>{"test.logbus"});
}

TEST_F(SegmentTest, OpenExistingNeverMakesOne) {
  try {
    (void)Segment::open_existing(options_, Role::kWorker);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ENOENT);
  }
  EXPECT_TRUE(files().empty());
}

TEST_F(SegmentTest, StartsZeroWithItsSettingsFilledIn) {
  options_.overflow = detail::Policy::kBlock;
  options_.block_timeout = std::chrono::milliseconds(7);
  options_.max_hold = std::chrono::milliseconds(9);
  options_.memory = 5 << 20;
  options_.max_per_process = 3 << 20;
  const Segment s = Segment::open(options_, Role::kWorker);
  EXPECT_EQ(s.consumer().policy.load(), static_cast<std::uint32_t>(detail::Policy::kBlock));
  EXPECT_EQ(s.consumer().block_timeout_ns.load(), 7'000'000U);
  EXPECT_EQ(s.consumer().max_hold_ns.load(), 9'000'000U);
  EXPECT_EQ(s.consumer().memory_bytes.load(), 5U << 20);
  EXPECT_EQ(s.consumer().max_per_process_bytes.load(), 3U << 20);
  EXPECT_EQ(s.shared().budget_left.load(), 5 << 20);
  EXPECT_EQ(s.shared().attention.load(), 0U);
  for (std::uint32_t i = 0; i < s.lanes(); ++i) {
    EXPECT_EQ(s.producer_line(i).word.load(), 0U);
    EXPECT_EQ(s.slot(i).word.load(), 0U);
    EXPECT_EQ(s.consumer_line(i).read.load(), 0U);
  }
}

TEST_F(SegmentTest, BacksItsTablesAndNoLaneData) {
  options_.lanes = 64;
  options_.lane_size = 4 << 20;
  const Segment s = Segment::open(options_, Role::kWorker);
  struct stat st = {};
  ASSERT_EQ(::stat(path().c_str(), &st), 0);
  EXPECT_EQ(static_cast<std::uint64_t>(st.st_size), s.preamble().file_size);
  EXPECT_LT(st.st_blocks * 512, 2 << 20) << "of 256 MiB";
}

TEST_F(SegmentTest, RefusesNamesThatAreNoBuses) {
  for (const std::string bad : {"", "a/b", "../x", "a b", "ä", "a\n"}) {
    options_.bus = bad;
    EXPECT_THROW((void)bus_path(options_), Error) << bad;
  }
  options_.bus = std::string(65, 'a');
  EXPECT_THROW((void)bus_path(options_), Error);
  options_.bus = std::string(64, 'a');
  EXPECT_EQ(bus_path(options_), directory_.path() + "/" + std::string(64, 'a') + ".logbus");
}

TEST_F(SegmentTest, TakesTheDirectoryFromTheEnvironment) {
  options_.directory.clear();
  ::setenv("LOGBUS_DIR", "/somewhere", 1);
  EXPECT_EQ(bus_directory(options_), "/somewhere");
  ::setenv("LOGBUS_DIR", "", 1);
  EXPECT_EQ(bus_directory(options_), "/dev/shm");
  ::unsetenv("LOGBUS_DIR");
  EXPECT_EQ(bus_directory(options_), "/dev/shm");
}

TEST_F(SegmentTest, IsOneForManyThreadsThatAttachAtOnce) {
  for (int round = 0; round < 20; ++round) {
    std::filesystem::remove(path());
    std::atomic<int> ready = 0;
    std::atomic<int> failed = 0;
    std::vector<std::array<std::uint8_t, 16>> uuids(8);
    std::vector<std::thread> threads;
    for (auto& uuid : uuids) {
      threads.emplace_back([&] {
        ++ready;
        while (ready.load() < 8) std::this_thread::yield();
        try {
          const Segment s = Segment::open(options_, Role::kWorker);
          std::memcpy(uuid.data(), s.preamble().bus_uuid, 16);
        } catch (const Error& e) {
          ADD_FAILURE() << e.what();
          ++failed;
        }
      });
    }
    for (std::thread& t : threads) t.join();
    ASSERT_EQ(failed.load(), 0);
    for (const auto& uuid : uuids) ASSERT_EQ(uuid, uuids[0]);
    ASSERT_EQ(files(), std::vector<std::string>{"test.logbus"});
  }
}

TEST_F(SegmentTest, RefusesAFileThatIsNoSegment) {
  std::ofstream(path()) << "hello";
  EXPECT_EQ(open_error(), EBADMSG);
  std::ofstream(path()) << std::string(100000, 'x');
  EXPECT_EQ(open_error(), EBADMSG);
}

// Nobody could go on there, and nobody would ever come to remove it.
TEST_F(SegmentTest, MovesATruncatedSegmentAside) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{100'000}}) {
    { (void)Segment::open(options_, Role::kWorker); }
    std::filesystem::resize_file(path(), size);
    EXPECT_EQ(open_error(), 0);
    std::size_t moved = 0;
    for (const std::string& name : files()) moved += name.ends_with(".damaged");
    EXPECT_EQ(moved, size == 0 ? 1U : 2U);
  }
  std::filesystem::resize_file(path(), 100);
  EXPECT_EQ(open_error(), EBADMSG) << "that it was one can't be seen any more";
  EXPECT_EQ(std::filesystem::file_size(path()), 100U) << "and is left alone";
}

TEST_F(SegmentTest, RefusesAnotherLayoutVersion) {
  { (void)Segment::open(options_, Role::kWorker); }
  overwrite(7, "\x09");
  EXPECT_EQ(open_error(), EPROTO);
}

TEST_F(SegmentTest, RefusesWhatIsNoRegularFile) {
  std::filesystem::create_directory(path());
  EXPECT_NE(open_error(), 0);
  std::filesystem::remove(path());
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  EXPECT_EQ(open_error(), EBADMSG);
}

TEST_F(SegmentTest, RefusesASymbolicLink) {
  { (void)Segment::open(options_, Role::kWorker); }
  std::filesystem::rename(path(), directory_.path() + "/real");
  std::filesystem::create_symlink("real", path());
  EXPECT_EQ(open_error(), ELOOP);
}

TEST_F(SegmentTest, RefusesASecondLinkAndAWorldWritableFile) {
  { (void)Segment::open(options_, Role::kWorker); }
  std::filesystem::create_hard_link(path(), directory_.path() + "/second");
  EXPECT_EQ(open_error(), EPERM);
  std::filesystem::remove(directory_.path() + "/second");
  ASSERT_EQ(::chmod(path().c_str(), 0602), 0);
  EXPECT_EQ(open_error(), EPERM);
}

TEST_F(SegmentTest, GivesItsFileTheConfiguredModeWhateverTheUmask) {
  const mode_t old = ::umask(0777);
  options_.mode = 0660;
  { (void)Segment::open(options_, Role::kWorker); }
  ::umask(old);
  struct stat st = {};
  ASSERT_EQ(::stat(path().c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0660U);
}

TEST_F(SegmentTest, OfAnEarlierBootIsMovedAsideAndMadeAnew) {
  { (void)Segment::open(options_, Role::kWorker); }
  overwrite(offsetof(Preamble, boot_id), "00000000-1111");
  try {
    (void)Segment::open_existing(options_, Role::kWorker);
    ADD_FAILURE() << "open_existing takes an earlier boot's segment";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ESTALE);
  }
  const ino_t old = inode();
  const Segment s = Segment::open(options_, Role::kWorker);
  EXPECT_NE(inode(), old);
  ASSERT_EQ(files().size(), 2U);
  bool kept = false;
  for (const std::string& name : files()) kept |= name.ends_with(".stale");
  EXPECT_TRUE(kept) << "its records may still be wanted";
}

TEST_F(SegmentTest, ThatIsRetiredIsMovedAsideAndMadeAnew) {
  const Segment old = Segment::open(options_, Role::kWorker);
  old.shared().attention.fetch_or(detail::kAttentionRetired);
  EXPECT_TRUE(old.is_current());
  const Segment s = Segment::open(options_, Role::kWorker);
  EXPECT_FALSE(old.is_current());
  EXPECT_FALSE(s.is_retired());
  EXPECT_NE(std::memcmp(old.preamble().bus_uuid, s.preamble().bus_uuid, 16), 0);
  bool kept = false;
  for (const std::string& name : files()) kept |= name.ends_with(".retired");
  EXPECT_TRUE(kept);
}

TEST_F(SegmentTest, ReopensOnlyItsOwnFile) {
  const Segment s = Segment::open(options_, Role::kWorker);
  EXPECT_TRUE(static_cast<bool>(s.reopen()));
  std::filesystem::rename(path(), path() + ".gone");
  EXPECT_FALSE(s.is_current());
  { (void)Segment::open(options_, Role::kWorker); }
  EXPECT_FALSE(s.is_current()) << "another file has the name now";
}

TEST_F(SegmentTest, RemovalIsRefusedWhileAWorkerIsAttached) {
  {
    const auto worker = Attachment::attach(options_, "w");
    EXPECT_FALSE(remove_bus(options_, false));
    EXPECT_FALSE(worker->segment().is_retired());
    EXPECT_TRUE(worker->segment().is_current());
  }
  EXPECT_TRUE(remove_bus(options_, false));
  EXPECT_TRUE(files().empty());
}

TEST_F(SegmentTest, RemovalIsRefusedWhileASidecarHoldsTheLease) {
  const Segment s = Segment::open(options_, Role::kSidecar);
  {
    const Caretaker caretaker(s, options_, "");
    EXPECT_FALSE(remove_bus(options_, false));
  }
  EXPECT_TRUE(remove_bus(options_, false));
}

TEST_F(SegmentTest, ForcedRemovalRetiresItForThoseAttached) {
  const auto worker = Attachment::attach(options_, "w");
  EXPECT_TRUE(remove_bus(options_, true));
  EXPECT_TRUE(worker->segment().is_retired());
  EXPECT_FALSE(worker->segment().is_current());
  EXPECT_TRUE(files().empty());
  try {
    (void)remove_bus(options_, true);
    FAIL();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ENOENT);
  }
}

TEST_F(SegmentTest, RemovalTouchesNoFileThatIsNoSegment) {
  std::ofstream(path()) << std::string(5000, 'x');
  EXPECT_THROW((void)remove_bus(options_, true), Error);
  std::ofstream(path()) << "x";
  EXPECT_THROW((void)remove_bus(options_, true), Error);
  EXPECT_EQ(files(), std::vector<std::string>{"test.logbus"});
}

TEST_F(SegmentTest, InADirectoryThatIsNotThereNamesIt) {
  options_.directory += "/none";
  EXPECT_EQ(open_error(), ENOENT);
}

}  // namespace
}  // namespace logbus::shm
