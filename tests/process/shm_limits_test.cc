// SPDX-License-Identifier: MIT
// Machines that give less than asked: full file systems, file size limits, directories and files of others.
// An error with a name or a counted drop, never a signal.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <functional>
#include <string>

#include <logbus/error.h>
#include "shm/caretaker.h"
#include "shm/site_table.h"
#include "support/shm_bus.h"

namespace logbus::shm {
namespace {

using namespace detail;
using testing::LaneTap;
using testing::pattern;
using testing::Put;
using testing::put;
using testing::small_bus;
using testing::TempDir;

/// In a child, which prints what is wrong and exits with 1.
#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      ::_exit(1);                                                                  \
    }                                                                              \
  } while (false)

class LimitsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
  }
  /// Runs `work` in a child: limits, mounts and users are its own.
  void in_child(const std::function<void()>& work) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      try {
        work();
      } catch (const std::exception& e) {
        std::fprintf(stderr, "unexpected: %s\n", e.what());
        ::_exit(2);
      }
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) FAIL() << "killed by signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  /// errno of opening the bus, 0 if it opens. The error names the directory.
  int open_error() const {
    try {
      (void)Segment::open(options_, Segment::Role::kWorker);
      return 0;
    } catch (const Error& e) {
      if (std::string(e.what()).find(directory_.path()) == std::string::npos) return -1;
      return e.code();
    }
  }
  /// A file system of that size over the directory, seen by this process alone.
  void mount_small(const std::string& size) const {
    CHECK(::unshare(CLONE_NEWNS) == 0);
    CHECK(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0);
    CHECK(::mount("tmpfs", directory_.path().c_str(), "tmpfs", 0, ("size=" + size).c_str()) == 0);
  }
  void fill_the_rest() const {
    const base::UniqueFd fd(
        ::open((directory_.path() + "/filler").c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    const std::string block(4096, 'x');
    while (::write(fd.get(), block.data(), block.size()) > 0) continue;
  }

  TempDir directory_;
  BusOptions options_ = small_bus(directory_);
};

TEST_F(LimitsTest, AFileSizeLimitGivesFewerLanes) {
  in_child([this] {
    const rlimit limit = {20 << 20, 20 << 20};
    CHECK(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    options_.lanes = 1024;
    const Segment s = Segment::open(options_, Segment::Role::kWorker);
    CHECK(s.lanes() >= 1 && s.lanes() < 1024);
    CHECK(s.preamble().file_size <= 20 << 20);
  });
}

TEST_F(LimitsTest, AFileSizeLimitBelowOneLaneIsAnErrorNotASignal) {
  in_child([this] {
    const rlimit limit = {100 << 10, 100 << 10};
    CHECK(::setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK(open_error() == EFBIG);
  });
}

TEST_F(LimitsTest, ADirectoryThatMayNotBeWrittenIsNamed) {
  in_child([this] {
    CHECK(::chmod(directory_.path().c_str(), 0755) == 0);
    CHECK(::seteuid(65534) == 0);
    CHECK(open_error() == EACCES);
  });
}

TEST_F(LimitsTest, ABusThatMayNotBeReadIsNamed) {
  { (void)Segment::open(options_, Segment::Role::kWorker); }
  in_child([this] {
    CHECK(::chmod(directory_.path().c_str(), 0755) == 0);
    CHECK(::seteuid(65534) == 0);
    CHECK(open_error() == EACCES);
  });
}

TEST_F(LimitsTest, ABusOfAnotherUserIsTrustedThroughAGroupOnly) {
  { (void)Segment::open(options_, Segment::Role::kWorker); }
  in_child([this] {
    const std::string path = bus_path(options_);
    CHECK(::chown(path.c_str(), 1001, 0) == 0);
    CHECK(open_error() == EPERM);  // also root: whoever put it there could read what root logs
    CHECK(::chmod(path.c_str(), 0660) == 0);
    CHECK(open_error() == 0);  // our group may write it
    CHECK(::chown(path.c_str(), 1001, 1001) == 0);
    CHECK(open_error() == EPERM);
    options_.group = 1001;
    CHECK(open_error() == 0);
  });
}

TEST_F(LimitsTest, GivesTheBusToTheConfiguredGroup) {
  options_.group = 1001;
  options_.mode = 0660;
  { (void)Segment::open(options_, Segment::Role::kWorker); }
  struct stat st = {};
  ASSERT_EQ(::stat(bus_path(options_).c_str(), &st), 0);
  EXPECT_EQ(st.st_gid, 1001U);
  EXPECT_EQ(st.st_mode & 0777, 0660U);
}

TEST_F(LimitsTest, AFileSystemTooSmallForTheTablesIsAnErrorAndStaysEmpty) {
  for (const char* size : {"64k", "1m"}) {
    in_child([this, size] {
      mount_small(size);
      options_.lanes = 1024;
      options_.sites = 65536;
      CHECK(open_error() == ENOSPC);
      CHECK(std::filesystem::is_empty(directory_.path()));
    });
  }
}

TEST_F(LimitsTest, MemoryDefaultsToHalfOfWhatIsFree) {
  in_child([this] {
    mount_small("4m");
    options_.memory = 0;
    options_.lanes = 64;
    const Segment s = Segment::open(options_, Segment::Role::kWorker);
    const std::uint64_t memory = s.consumer().memory_bytes.load();
    CHECK(memory > 1 << 20 && memory < 2 << 20);
  });
}

// The budget promises more than the file system has: growing fails, nothing else does.
TEST_F(LimitsTest, AFullFileSystemMeansCountedDropsAndWholeRecords) {
  for (const char* size : {"1m", "4m"}) {
    in_child([this, size] {
      mount_small(size);
      options_.lane_size = 512 << 10;
      options_.memory = 1 << 30;
      const auto worker = Attachment::attach(options_, "w");
      const Segment side = Segment::open(options_, Segment::Role::kSidecar);
      LaneOwner lanes[8] = {};
      for (LaneOwner& lane : lanes) CHECK(lane.claim(*worker, 1, "") == Claim::kOk);
      std::uint64_t written[8] = {};
      std::uint64_t calls = 0;
      std::uint64_t dropped = 0;
      for (int round = 0; round < 3; ++round) {
        for (int i = 0; i < 2000; ++i) {
          const int l = i % 8;
          const std::size_t bytes = 16 + static_cast<std::size_t>(i % 50) * 400;
          ++calls;
          if (put(lanes[l], pattern(written[l], bytes), 30) == Put::kWritten)
            ++written[l];
          else
            ++dropped;
        }
        if (round == 0) fill_the_rest();
      }
      CHECK(dropped > 0);
      std::uint64_t counted = 0;
      std::uint64_t read = 0;
      for (int l = 0; l < 8; ++l) {
        const ProducerLine& line = side.producer_line(lanes[l].lane);
        for (std::size_t i = 0; i < kSeverities; ++i) {
          counted += line.dropped[i].load();
          side.consumer_line(lanes[l].lane).reported[i].store(line.dropped[i].load());
        }
        LaneTap tap(side, lanes[l].lane);
        Frame frame;
        Parse result;
        std::uint64_t next = 0;
        while ((result = tap.next(frame)) == Parse::kFrame) {
          if (frame.kind() == FrameKind::kGap) continue;
          std::uint64_t sequence = 0;
          CHECK(testing::check_pattern({frame.payload, frame.payload_size}, sequence));
          CHECK(sequence == next++);
          ++read;
        }
        CHECK(result == Parse::kEnd);
        CHECK(next == written[l]);
        tap.commit();
      }
      CHECK(counted == dropped);
      CHECK(read + dropped == calls);
      for (LaneOwner& lane : lanes) lane.close();
      // What was read comes back, and a new lane can use it.
      Caretaker caretaker(side, options_, "");
      caretaker.sweep_all();
      CHECK(lanes[0].claim(*worker, 1, "") == Claim::kOk);
      CHECK(put(lanes[0], pattern(1, 4000), 30) == Put::kWritten);
    });
  }
}

TEST_F(LimitsTest, AFullFileSystemMeansNoNewSites) {
  in_child([this] {
    mount_small("1m");
    options_.sites = 4096;
    const Segment s = Segment::open(options_, Segment::Role::kWorker);
    const SiteTable sites(s);
    const std::string text(300, 's');
    const auto intern = [&](std::uint32_t n) {
      const std::string content = std::to_string(n) + text;
      return sites.intern({reinterpret_cast<const std::byte*>(content.data()), content.size()},
                          n * 0x9E3779B97F4A7C15);
    };
    CHECK(intern(0) != 0);
    fill_the_rest();
    std::uint32_t n = 1;
    while (n < 4000 && intern(n) != 0) ++n;
    CHECK(n < 4000);
    for (std::uint32_t i = 0; i < n; ++i) CHECK(intern(i) != 0);
  });
}

}  // namespace
}  // namespace logbus::shm
