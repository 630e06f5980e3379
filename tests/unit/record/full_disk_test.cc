// SPDX-License-Identifier: MIT
// What a full disk refuses is kept, and written when there is room again. Skipped where this user may not
// mount.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <logbus/error.h>
#include <logbus/file_handler.h>
#include <logbus/rotating_file_handler.h>
#include <logbus/rotation.h>
#include <logbus/timed_rotating_file_handler.h>
#include <logbus/watched_file_handler.h>

#include "captured_stderr.h"
#include "small_disk.h"

namespace logbus {
namespace {

namespace fs = std::filesystem;

LogRecord message(std::string_view text) {
  LogRecord record;
  record.msg = text;
  return record;
}

// Its number, and so much text that some records cross a page's end.
std::string line(int number) {
  return std::to_string(number) + std::string(150, 'x');
}

std::string lines(int begin, int end) {
  std::string all;
  for (int number = begin; number < end; ++number) all += line(number) + '\n';
  return all;
}

class FullDiskTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!disk_.mounted()) GTEST_SKIP() << "mounting needs root";
  }
  FileOptions options() const { return {path_, "a", "", false}; }
  static std::string text(const std::string& path) {
    std::ostringstream all;
    all << std::ifstream(path).rdbuf();
    return all.str();
  }
  std::string text() const { return text(path_); }
  static void write(Handler& handler, int begin, int end) {
    for (int number = begin; number < end; ++number) handler.handle(message(line(number)));
  }

  const SmallDisk disk_{32};
  const std::string path_ = disk_.path("a.log");
  const CapturedStderr captured_;
};

TEST_F(FullDiskTest, RecordsWaitAndAreWrittenInOrderWhenThereIsRoomAgain) {
  FileHandler handler(options());
  disk_.fill(1);
  write(handler, 0, 100);
  EXPECT_TRUE(handler.pending());
  EXPECT_EQ(text(), lines(0, 26)) << "whole records, as many as fit";
  EXPECT_EQ(handler.counters().records, 100U);
  EXPECT_EQ(handler.counters().dropped, 0U);
  EXPECT_EQ(handler.counters().errors, 74U);
  disk_.free();
  handler.flush();
  EXPECT_FALSE(handler.pending());
  EXPECT_EQ(text(), lines(0, 100));
  EXPECT_EQ(handler.counters().bytes, text().size());
}

TEST_F(FullDiskTest, NextRecordBringsThemToo) {
  FileHandler handler(options());
  disk_.fill(0);
  write(handler, 0, 10);
  EXPECT_EQ(text(), "");
  disk_.free();
  write(handler, 10, 11);
  EXPECT_EQ(text(), lines(0, 11));
}

TEST_F(FullDiskTest, BatchIsToldOncePerFlush) {
  FileHandler handler(options());
  handler.defer_flush(true);
  disk_.fill(1);
  write(handler, 0, 100);
  EXPECT_FALSE(handler.pending());
  handler.flush();
  EXPECT_TRUE(handler.pending());
  EXPECT_EQ(handler.counters().errors, 1U);
  write(handler, 100, 200);
  handler.flush();
  EXPECT_EQ(handler.counters().errors, 2U);
  EXPECT_EQ(text(), lines(0, 26));
  disk_.free();
  handler.flush();
  EXPECT_EQ(text(), lines(0, 200));
  EXPECT_EQ(handler.counters().records, 200U);
  EXPECT_EQ(handler.counters().dropped, 0U);
}

TEST_F(FullDiskTest, BacklogIsBounded) {
  FileHandler handler(options());
  handler.set_backlog(1000);  // each record is 152 bytes or more
  handler.defer_flush(true);
  disk_.fill(0);
  write(handler, 0, 10);
  handler.flush();
  EXPECT_EQ(handler.counters().dropped, 3U);
  write(handler, 10, 20);
  handler.flush();
  EXPECT_EQ(handler.counters().records, 7U);
  EXPECT_EQ(handler.counters().dropped, 13U);
  disk_.free();
  write(handler, 20, 30);
  handler.flush();
  EXPECT_EQ(text(), lines(0, 7) + lines(20, 30));
  EXPECT_EQ(handler.counters().records, 17U);
}

TEST_F(FullDiskTest, OneHugeRecordWaitsToo) {
  FileHandler handler(options());
  disk_.fill(1);
  const std::string huge(64 * 1024, 'h');
  handler.set_backlog(1000);
  handler.handle(message(huge));
  handler.handle(message("lost"));
  EXPECT_EQ(text(), "");
  disk_.free();
  handler.flush();
  EXPECT_EQ(text(), huge + '\n');
  EXPECT_EQ(handler.counters().dropped, 1U);
}

TEST_F(FullDiskTest, LongBatchDoesNotTryAgainForEachRecord) {
  FileHandler handler(options());
  handler.defer_flush(true);
  disk_.fill(0);
  const std::string large(100'000, 'l');
  for (int count = 0; count < 45; ++count) handler.handle(message(large));
  EXPECT_EQ(handler.counters().errors, 4U);  // at 1 MiB, and with 1 MiB more than was left of it
  EXPECT_TRUE(handler.pending());
}

TEST_F(FullDiskTest, CloseTriesOnceMoreAndThenCountsThemAsLost) {
  FileHandler handler(options());
  disk_.fill(1);
  write(handler, 0, 30);
  handler.close();
  EXPECT_FALSE(handler.pending());
  EXPECT_EQ(text(), lines(0, 26));
  EXPECT_EQ(handler.counters().records, 26U);
  EXPECT_EQ(handler.counters().dropped, 4U);
  disk_.free();
  write(handler, 30, 31);
  EXPECT_EQ(text(), lines(0, 26) + lines(30, 31));
}

TEST_F(FullDiskTest, WhatAnotherWriterHasAppendedIsNotCutOff) {
  FileHandler handler(options());
  disk_.fill(1);
  write(handler, 0, 20);
  std::ofstream(path_, std::ios::app) << "theirs\n";
  write(handler, 20, 40);
  disk_.free();
  handler.flush();
  EXPECT_EQ(text(), lines(0, 20) + "theirs\n" + lines(20, 40));
}

TEST_F(FullDiskTest, RotationGoesOnAndLosesNothing) {
  RotatingFileHandler handler(options(), 2000, 50);
  disk_.fill(2);
  write(handler, 0, 100);
  EXPECT_TRUE(handler.pending());
  disk_.free();
  write(handler, 100, 150);
  handler.close();
  std::string all;
  for (int index = 50; index > 0; --index) all += text(path_ + "." + std::to_string(index));
  EXPECT_EQ(all + text(), lines(0, 150));
  EXPECT_EQ(handler.counters().dropped, 0U);
}

TEST_F(FullDiskTest, RotationByTheClockGoesOnAndLosesNothing) {
  std::int64_t now = 1'790'000'000;
  TimedRotatingOptions hourly{.when = "h", .utc = true};
  hourly.now = [&now] { return now; };
  TimedRotatingFileHandler handler(options(), hourly);
  now = handler.rollover_at();
  disk_.fill(2);
  for (int hour = 0; hour < 20; ++hour, now += 3600) write(handler, 10 * hour, 10 * hour + 10);
  EXPECT_TRUE(handler.pending());
  disk_.free();
  for (int hour = 20; hour < 25; ++hour, now += 3600) write(handler, 10 * hour, 10 * hour + 10);
  handler.close();
  std::map<std::string, std::string> rolled;
  for (const auto& entry : fs::directory_iterator(fs::path(path_).parent_path()))
    if (entry.path() != path_) rolled[entry.path()] = text(entry.path());
  std::string all;
  for (const auto& [name, content] : rolled) all += content;
  EXPECT_EQ(all + text(), lines(0, 250));
  EXPECT_GT(rolled.size(), 5U);
  EXPECT_EQ(handler.counters().dropped, 0U);
}

TEST_F(FullDiskTest, ARotationThatFindsNoRoomIsTriedAgain) {
  std::int64_t now = 1'790'000'000;
  TimedRotatingOptions hourly{.when = "h", .utc = true};
  hourly.now = [&now] { return now; };
  TimedRotatingFileHandler handler(options(), hourly);
  const std::int64_t due = handler.rollover_at();
  bool full = true;
  handler.set_rotator([&full](const std::string& source, const std::string& destination) {
    if (full) throw Error(ENOSPC, "cannot write " + destination);
    fs::rename(source, destination);
  });
  write(handler, 0, 5);
  now = due;
  write(handler, 5, 10);
  EXPECT_EQ(handler.rollover_at(), due);  // not an hour later
  EXPECT_EQ(text(), lines(0, 10));
  full = false;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  int number = 10;
  while (handler.rollovers() == 0 && std::chrono::steady_clock::now() < deadline) {
    write(handler, number, number + 1);
    ++number;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(handler.rollovers(), 1U);
  EXPECT_EQ(text(), lines(number - 1, number));
  EXPECT_EQ(handler.counters().dropped, 0U);
}

TEST_F(FullDiskTest, BackupsAreNotShiftedForAnEmptyFile) {
  RotatingFileHandler handler(options(), 500, 2);
  write(handler, 0, 6);  // three a file
  disk_.fill(0);
  write(handler, 6, 40);
  EXPECT_EQ(text(path_ + ".1").empty(), false);
  EXPECT_EQ(text(path_ + ".2").empty(), false);
  disk_.free();
  handler.close();
  EXPECT_EQ(handler.counters().dropped, 0U);
}

TEST_F(FullDiskTest, RecordsOfAFullFileComeAfterTheMarkOfTheNextOne) {
  RotatingFileHandler handler({path_, "a", "utf-16", false}, 600, 2);
  handler.handle(message("a"));
  disk_.fill(0);
  const std::string long_text(2000, 'l');  // does not fit into the file's page
  handler.handle(message(long_text));      // rolls, and waits
  EXPECT_TRUE(handler.pending());
  disk_.free();
  handler.handle(message("b"));
  const std::string begin = text().substr(0, 4), end = text().substr(text().size() - 4);
  EXPECT_EQ(begin, std::string("\xFF\xFEl\0", 4));
  EXPECT_EQ(handler.counters().dropped, 0U);
  EXPECT_EQ(text(path_ + ".1"), std::string("\xFF\xFE"
                                            "a\0\n\0",
                                            6));
  EXPECT_EQ(text().find("\xFF\xFE", 2), std::string::npos);
}

TEST_F(FullDiskTest, CompressionWithoutRoomIsTriedAgainLater) {
  RotatingFileHandler handler(options(), 20'000, 2);
  handler.set_namer(suffix_namer(".gz"));
  int attempts = 0;
  handler.set_rotator([&](const std::string& source, const std::string& destination) {
    ++attempts;
    gzip_rotator()(source, destination);
  });
  write(handler, 0, 120);
  disk_.fill(0);
  write(handler, 120, 200);
  EXPECT_LT(attempts, 40) << "not for each record";
  EXPECT_FALSE(fs::exists(path_ + ".1.gz"));
  EXPECT_EQ(handler.counters().dropped, 0U);
  disk_.free();
  handler.flush();
  EXPECT_EQ(text(), lines(0, 200));
}

TEST_F(FullDiskTest, WatchedFileOnAFullDiskLosesNothing) {
  WatchedFileHandler handler(options());
  write(handler, 0, 10);
  disk_.fill(0);
  fs::rename(path_, path_ + ".1");
  write(handler, 10, 100);
  EXPECT_TRUE(handler.pending());
  disk_.free();
  handler.flush();
  EXPECT_EQ(text(path_ + ".1") + text(), lines(0, 100));
  EXPECT_EQ(handler.counters().dropped, 0U);
}

TEST_F(FullDiskTest, NoRoomForANewFileIsNoReasonToLoseARecord) {
  FileHandler handler({path_, "a", "", true});
  for (int count = 0; ::mknod(disk_.path("node" + std::to_string(count)).c_str(), S_IFREG | 0600, 0) == 0;
       ++count) {
  }
  ASSERT_EQ(errno, ENOSPC);
  write(handler, 0, 3);
  EXPECT_TRUE(handler.pending());
  EXPECT_FALSE(fs::exists(path_));
  ::unlink(disk_.path("node0").c_str());
  handler.flush();
  EXPECT_EQ(text(), lines(0, 3));
  EXPECT_EQ(handler.counters().records, 3U);
}

TEST(FullDeviceTest, RecordIsLostAtOnce) {
  const CapturedStderr captured;
  FileHandler handler(FileOptions{"/dev/full", "a", "", false});
  handler.handle(message("lost"));
  EXPECT_FALSE(handler.pending());
  EXPECT_EQ(handler.counters().dropped, 1U);
  handler.defer_flush(true);
  handler.handle(message("lost"));
  handler.flush();
  EXPECT_FALSE(handler.pending());
  EXPECT_EQ(handler.counters().dropped, 2U);
  EXPECT_EQ(handler.counters().records, 0U);
}

}  // namespace
}  // namespace logbus
