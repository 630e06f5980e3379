// SPDX-License-Identifier: MIT
// RotatingFileHandler; tests/reference compares rotation with CPython itself.
#include <logbus/rotating_file_handler.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "captured_stderr.h"
#include "log_file_test.h"

namespace logbus::file_handlers_test {
namespace {

TEST_F(FileHandlersTest, DeletedFolderCostsTheRecordsOfARotation) {
  const fs::path sub = folder_ / "sub";
  fs::create_directory(sub);
  path_ = sub / "a.log";
  const CapturedStderr captured;
  RotatingFileHandler handler(options(), 10, 1);
  handler.handle(message("aaaa"));
  fs::remove_all(sub);
  handler.handle(message("lost"));  // into no folder
  handler.handle(message("lost"));
  EXPECT_EQ(handler.counters().dropped, 2U);
  fs::create_directory(sub);
  handler.handle(message("bbbb"));
  EXPECT_EQ(text(), "bbbb\n");
}

TEST_F(FileHandlersTest, DelayedFileIsThereAfterARecordThatCannotBeFormatted) {
  const CapturedStderr captured;
  RotatingFileHandler handler(options("a", true), 0, 0);
  handler.set_formatter(std::make_shared<Formatter>(FormatterOptions{.format = "%(nope)s"}));
  handler.handle(message("lost"));
  EXPECT_EQ(handler.counters().dropped, 1U);
  EXPECT_TRUE(there());
}

TEST_F(FileHandlersTest, DirectoryAsTheTargetOfARotationStays) {
  const CapturedStderr captured;
  RotatingFileHandler handler(options(), 5, 1);
  handler.handle(message("aaaa"));
  fs::create_directory(path_.string() + ".1");
  handler.handle(message("bbbb"));
  EXPECT_EQ(handler.counters().errors, 1U);
  EXPECT_TRUE(fs::is_directory(path_.string() + ".1"));
  EXPECT_EQ(text(), "aaaa\nbbbb\n");
}

TEST_F(FileHandlersTest, RotatesWhenTheLimitWouldBeReached) {
  RotatingFileHandler rolls(options(), 10, 2);
  rolls.handle(message("aaaa"));
  rolls.handle(message("bbbb"));
  EXPECT_EQ(text(), "bbbb\n");
  EXPECT_EQ(text(".1"), "aaaa\n");
  EXPECT_EQ(rolls.rollovers(), 1U);
  EXPECT_FALSE(there(".2"));
}

TEST_F(FileHandlersTest, StaysOneBelowTheLimit) {
  RotatingFileHandler stays(options(), 11, 2);
  stays.handle(message("aaaa"));
  stays.handle(message("bbbb"));
  EXPECT_EQ(text(), "aaaa\nbbbb\n");
  EXPECT_EQ(stays.rollovers(), 0U);
}

TEST_F(FileHandlersTest, RecordCountsInCodePointsAndTheFileInBytes) {
  RotatingFileHandler stays(options(), 15, 1);
  stays.handle(message("éééé"));
  stays.handle(message("éééé"));
  EXPECT_EQ(stays.rollovers(), 0U);
  stays.close();
  fs::remove(path_);
  RotatingFileHandler rolls(options(), 14, 1);
  rolls.handle(message("éééé"));
  rolls.handle(message("éééé"));
  EXPECT_EQ(rolls.rollovers(), 1U);
}

TEST_F(FileHandlersTest, EmptyFileIsNeverRolled) {
  RotatingFileHandler handler(options(), 5, 2);
  handler.handle(message("far too long"));
  EXPECT_EQ(text(), "far too long\n");
  EXPECT_FALSE(there(".1"));
}

TEST_F(FileHandlersTest, BufferedBytesCountTowardsTheLimit) {
  RotatingFileHandler handler(options(), 12, 3);
  handler.defer_flush(true);
  for (const char* letter : {"aaaa", "bbbb", "cccc", "dddd", "eeee"}) handler.handle(message(letter));
  handler.flush();
  EXPECT_EQ(text(), "eeee\n");
  EXPECT_EQ(text(".1"), "cccc\ndddd\n");
  EXPECT_EQ(text(".2"), "aaaa\nbbbb\n");
  EXPECT_EQ(handler.counters().records, 5U);
  EXPECT_EQ(handler.counters().bytes, 25U);
}

TEST_F(FileHandlersTest, BackupsShiftOverGapsAndLeaveStaleOnes) {
  put("1", ".1");
  put("3", ".3");
  put("9", ".9");
  put("old\n");
  RotatingFileHandler handler(options(), 5, 4);
  handler.handle(message("new"));
  EXPECT_EQ(text(), "new\n");
  EXPECT_EQ(text(".1"), "old\n");
  EXPECT_EQ(text(".2"), "1");
  EXPECT_FALSE(there(".3"));
  EXPECT_EQ(text(".4"), "3");
  EXPECT_EQ(text(".9"), "9");
}

TEST_F(FileHandlersTest, WithoutBackupsTheFileGrowsOn) {
  RotatingFileHandler handler(options(), 5, 0);
  for (const char* letter : {"aaaa", "bbbb"}) handler.handle(message(letter));
  EXPECT_EQ(text(), "aaaa\nbbbb\n");
}

TEST_F(FileHandlersTest, LimitForcesAppending) {
  put("old\n");
  RotatingFileHandler(options("w"), 100, 1).handle(message("new"));
  EXPECT_EQ(text(), "old\nnew\n");
  RotatingFileHandler(options("w"), 0, 1).handle(message("new"));
  EXPECT_EQ(text(), "new\n");
}

TEST_F(FileHandlersTest, DeviceAndPipeAreNeverRolled) {
  RotatingFileHandler device(FileOptions{"/dev/null", "a", "", false}, 1, 1);
  device.handle(message("one"));
  device.handle(message("two"));
  EXPECT_EQ(device.rollovers(), 0U);
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const int reader = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  RotatingFileHandler pipe(options(), 1, 1);
  pipe.handle(message("one"));
  pipe.handle(message("two"));
  char text[16] = {};
  EXPECT_EQ(::read(reader, text, sizeof text), 8);
  EXPECT_EQ(pipe.rollovers(), 0U);
  ::close(reader);
}

TEST_F(FileHandlersTest, NamerAndRotatorAreAsked) {
  RotatingFileHandler handler(options(), 5, 2);
  handler.set_namer([](const std::string& name) { return name + ".old"; });
  handler.set_rotator([](const std::string& source, const std::string& destination) {
    std::ofstream(destination) << "rotated ";
    fs::remove(source);
  });
  for (const char* letter : {"aaaa", "bbbb", "cccc"}) handler.handle(message(letter));
  EXPECT_EQ(text(), "cccc\n");
  EXPECT_EQ(text(".1.old"), "rotated ");
  EXPECT_TRUE(there(".2.old"));
}

TEST_F(FileHandlersTest, FailedRolloverIsToldAndTheFileGrowsOn) {
  const CapturedStderr captured;
  RotatingFileHandler handler(options(), 5, 1);
  handler.handle(message("aaaa"));
  fs::create_directory(path_.string() + ".1");
  put("", ".1/occupied");
  for (const char* letters : {"bbbb", "cccc", "dddd"}) handler.handle(message(letters));
  EXPECT_EQ(text(), "aaaa\nbbbb\ncccc\ndddd\n");
  EXPECT_EQ(handler.counters().dropped, 0U);
  EXPECT_EQ(handler.counters().errors, 1U);  // a second is longer than this takes
  fs::remove_all(path_.string() + ".1");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (handler.rollovers() == 0 && std::chrono::steady_clock::now() < deadline) handler.handle(message(""));
  EXPECT_TRUE(text(".1").starts_with("aaaa\nbbbb\ncccc\ndddd\n"));
  EXPECT_EQ(handler.counters().errors, 1U);
}

TEST_F(FileHandlersTest, StrictFailedRolloverCostsThatRecord) {
  const CapturedStderr captured;
  RotatingFileHandler handler(options(), 5, 1);
  handler.set_compatibility({.strict = true});
  handler.handle(message("aaaa"));
  fs::create_directory(path_.string() + ".1");
  put("", ".1/occupied");
  handler.handle(message("lost"));
  EXPECT_EQ(handler.counters().dropped, 1U);
  fs::remove_all(path_.string() + ".1");
  handler.handle(message("bbbb"));
  EXPECT_EQ(text(".1"), "aaaa\n");
  EXPECT_EQ(text(), "bbbb\n");
  EXPECT_EQ(handler.rollovers(), 1U);
}

TEST_F(FileHandlersTest, Python312CountsWhatOthersWroteAndRollsEmptyFiles) {
  for (const int minor : {12, 13}) {
    fs::remove(path_);
    fs::remove(path_.string() + ".1");
    RotatingFileHandler handler(options(), 5, 1);
    handler.set_compatibility({.python_minor = minor});
    handler.handle(message("long enough"));
    EXPECT_EQ(handler.rollovers(), minor == 12 ? 1U : 0U);
    EXPECT_EQ(text(), "long enough\n");
  }
  for (const int minor : {12, 13}) {
    fs::remove(path_);
    RotatingFileHandler handler(options(), 20, 1);
    handler.set_compatibility({.python_minor = minor});
    handler.handle(message("a"));
    handler.handle(message("b"));
    std::ofstream(path_, std::ios::app) << "another's line of many\n";
    handler.handle(message("c"));
    EXPECT_EQ(text().ends_with("many\nc\n"), minor == 13);
    EXPECT_EQ(handler.rollovers(), minor == 12 ? 1U : 0U);
  }
}

}  // namespace
}  // namespace logbus::file_handlers_test
