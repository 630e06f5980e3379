// SPDX-License-Identifier: MIT
// WatchedFileHandler; tests/reference compares it with CPython itself.
#include <logbus/watched_file_handler.h>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <logbus/error.h>

#include "captured_stderr.h"
#include "log_file_test.h"

namespace logbus::file_handlers_test {
namespace {

// Both ways of writing: each record at once, and batches.
class WatchedFileTest : public testing::TestWithParam<bool>, protected LogFile {
 protected:
  std::unique_ptr<WatchedFileHandler> make(std::string mode = "a", bool delay = false) const {
    auto handler = std::make_unique<WatchedFileHandler>(options(mode, delay));
    handler->defer_flush(GetParam());
    return handler;
  }
  fs::path with(const std::string& suffix) const { return path_.string() + suffix; }
};

TEST_P(WatchedFileTest, FollowsTheNameRecordByRecord) {
  const auto handler = make();
  handler->handle(message("one"));
  handler->handle(message("two"));
  fs::rename(path_, with(".1"));
  handler->handle(message("three"));
  handler->handle(message("four"));
  fs::remove(path_);
  handler->handle(message("five"));
  handler->flush();
  EXPECT_EQ(text(".1"), "one\ntwo\n");
  EXPECT_EQ(text(), "five\n");
  EXPECT_EQ(handler->counters().records, 5U);
}

TEST_P(WatchedFileTest, FollowsAFileThatTookItsPlace) {
  const auto handler = make();
  handler->handle(message("one"));
  std::ofstream(with(".new")) << "theirs\n";
  fs::rename(with(".new"), path_);
  handler->handle(message("two"));
  handler->flush();
  EXPECT_EQ(text(), "theirs\ntwo\n");
}

TEST_P(WatchedFileTest, TruncatedFileIsTheSameFile) {
  const auto handler = make();
  handler->handle(message("one"));
  handler->flush();
  fs::resize_file(path_, 0);
  handler->handle(message("two"));
  handler->flush();
  EXPECT_EQ(text(), "two\n");
}

TEST_P(WatchedFileTest, DirectoryInItsPlaceIsAnErrorUntilItGoes) {
  const CapturedStderr captured;
  const auto handler = make();
  handler->handle(message("one"));
  fs::rename(path_, with(".1"));
  fs::create_directory(path_);
  handler->handle(message("lost"));
  handler->handle(message("lost"));
  EXPECT_EQ(handler->counters().dropped, 2U);
  EXPECT_EQ(handler->counters().errors, 2U);
  fs::remove(path_);
  handler->handle(message("two"));
  handler->flush();
  EXPECT_EQ(text(".1"), "one\n");
  EXPECT_EQ(text(), "two\n");
}

TEST_P(WatchedFileTest, DeletedFolderIsAnErrorUntilItIsThereAgain) {
  const CapturedStderr captured;
  const auto handler = make();
  handler->handle(message("one"));
  fs::remove_all(folder_);
  handler->handle(message("lost"));
  EXPECT_EQ(handler->counters().dropped, 1U);
  fs::create_directory(folder_);
  handler->handle(message("two"));
  handler->flush();
  EXPECT_EQ(text(), "two\n");
}

TEST_P(WatchedFileTest, DelayedFileIsOpenedOnceMoreAsInPython) {
  const auto handler = make("w", true);
  EXPECT_FALSE(fs::exists(path_));
  for (const char* text : {"one", "two", "three"}) handler->handle(message(text));
  handler->flush();
  EXPECT_EQ(text(), "two\nthree\n");
  const auto appends = make("a", true);
  for (const char* text : {"four", "five"}) appends->handle(message(text));
  appends->flush();
  EXPECT_EQ(text(), "two\nthree\nfour\nfive\n");
}

TEST_P(WatchedFileTest, ReopenIfNeededWritesOutToTheOldFile) {
  const auto handler = make();
  handler->handle(message("one"));
  fs::rename(path_, with(".1"));
  handler->reopen_if_needed();
  EXPECT_EQ(text(".1"), "one\n");
  EXPECT_EQ(text(), "");
  EXPECT_TRUE(fs::exists(path_));
}

TEST_P(WatchedFileTest, RecordThatCannotBeFormattedOpensTheFileAllTheSame) {
  const CapturedStderr captured;
  const auto handler = make();
  handler->set_formatter(std::make_shared<Formatter>(FormatterOptions{.format = "%(nope)s"}));
  fs::remove(path_);
  handler->handle(message("lost"));
  EXPECT_TRUE(fs::exists(path_));
}

INSTANTIATE_TEST_SUITE_P(, WatchedFileTest, testing::Bool(), [](const auto& mode) {
  return mode.param ? std::string("Batch") : std::string("EachRecord");
});

}  // namespace
}  // namespace logbus::file_handlers_test
