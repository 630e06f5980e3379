// SPDX-License-Identifier: MIT
// FileHandler and NullHandler.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include <logbus/error.h>
#include <logbus/file_handler.h>
#include <logbus/null_handler.h>

#include "captured_stderr.h"
#include "log_file_test.h"

namespace logbus::file_handlers_test {
namespace {

/// Why there is no such handler.
std::string refusal(FileOptions given) {
  try {
    const FileHandler handler(std::move(given));
    return "accepted";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST_F(FileHandlersTest, AppendsOrStartsAnew) {
  put("old\n");
  { FileHandler(options()).handle(message("one")); }
  EXPECT_EQ(text(), "old\none\n");
  { FileHandler(options("w")).handle(message("two")); }
  EXPECT_EQ(text(), "two\n");
}

TEST_F(FileHandlersTest, DelayedFileAppearsWithTheFirstRecord) {
  FileHandler handler(options("a", true));
  EXPECT_FALSE(there());
  handler.handle(message("one"));
  EXPECT_EQ(text(), "one\n");
}

TEST_F(FileHandlersTest, NameIsAbsoluteFromConstructionOn) {
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  FileHandler handler(FileOptions{"sub/../a.log", "a", "", true});
  fs::current_path(before);
  EXPECT_EQ(handler.base_filename(), (fs::canonical(folder_) / "a.log").string());
}

TEST_F(FileHandlersTest, RecordAfterCloseReopensUnlessThatWouldEmptyTheFile) {
  FileHandler appending(options());
  appending.close();
  appending.handle(message("one"));
  EXPECT_EQ(text(), "one\n");
  FileHandler writing(options("w"));
  writing.handle(message("two"));
  writing.close();
  writing.close();
  writing.handle(message("dropped"));
  EXPECT_EQ(text(), "two\n");
}

TEST_F(FileHandlersTest, ModeBitsFollowTheUmask) {
  const mode_t before = ::umask(027);
  const FileHandler handler(options());
  ::umask(before);
  EXPECT_EQ(fs::status(path_).permissions(), fs::perms{0640});
}

TEST_F(FileHandlersTest, RefusalsNameTheFile) {
  const std::string path = path_.string();
  EXPECT_EQ(refusal({folder_ / "none" / "a.log", "a", "", false}),
            "cannot open log file " + folder_.string() + "/none/a.log: No such file or directory");
  EXPECT_EQ(refusal({folder_.string(), "a", "", false}),
            "cannot open log file " + folder_.string() + ": Is a directory");
  EXPECT_EQ(refusal({path, "r", "", false}), "log file " + path + ": mode 'r' is none of 'a', 'w' and 'x'");
  for (const char* mode : {"", "t", "aa", "ab", "wx", "a++", "rt"})
    EXPECT_TRUE(refusal({path, mode, "", false}).ends_with("is none of 'a', 'w' and 'x'")) << mode;
  EXPECT_EQ(refusal({path, "a", "xyz", false}), "log file " + path + ": unknown encoding: xyz");
  EXPECT_EQ(refusal({path, "a", "", false, "loud"}),
            "log file " + path + ": unknown error handler name 'loud'");
  EXPECT_FALSE(there());
  EXPECT_EQ(refusal({path, "a", "UTF_8", false}), "accepted");
  EXPECT_EQ(refusal({"", "a", "", false}), "a log file's name is empty");
}

TEST_F(FileHandlersTest, TakesPythonsModes) {
  for (const char* mode : {"x", "xt", "x+"}) {
    FileHandler(options(mode)).handle(message("one"));
    EXPECT_EQ(text(), "one\n") << mode;
    EXPECT_EQ(refusal(options(mode)), "cannot open log file " + path_.string() + ": File exists");
    FileHandler(options("a+")).handle(message("two"));
    EXPECT_EQ(text(), "one\ntwo\n") << mode;
    FileHandler(options("wt")).handle(message("three"));
    EXPECT_EQ(text(), "three\n") << mode;
    fs::remove(path_);
  }
}

TEST_F(FileHandlersTest, FifoWithoutAReaderIsAnErrorOfEachRecordAndStopsNothing) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const CapturedStderr captured;
  FileHandler handler(options());
  handler.handle(message("lost"));
  EXPECT_EQ(handler.counters().dropped, 1U);
  EXPECT_FALSE(handler.pending());
  const int reader = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  handler.handle(message("one"));
  char text[16] = {};
  EXPECT_EQ(::read(reader, text, sizeof text), 4);
  ::close(reader);
  const auto before = std::signal(SIGPIPE, SIG_IGN);
  handler.handle(message("lost"));
  std::signal(SIGPIPE, before);
  EXPECT_EQ(handler.counters().dropped, 2U);
  const int next = ::open(path_.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  handler.handle(message("two"));
  EXPECT_EQ(::read(next, text, sizeof text), 4);
  ::close(next);
}

TEST_F(FileHandlersTest, HugeMessageIsWrittenWhole) {
  const std::string huge(1 << 20, 'h');
  FileHandler handler(options());
  handler.defer_flush(true);
  for (const std::string& text : {std::string("one"), huge, std::string("two")})
    handler.handle(message(text));
  handler.flush();
  EXPECT_EQ(text(), "one\n" + huge + "\ntwo\n");
}

TEST_F(FileHandlersTest, DelayedFileThatCannotBeOpenedCostsItsRecordsOnly) {
  fs::create_directory(path_);
  FileHandler handler(options("a", true));
  const CapturedStderr captured;
  handler.handle(message("lost"));
  EXPECT_EQ(handler.counters().dropped, 1U);
  fs::remove(path_);
  handler.handle(message("written"));
  EXPECT_EQ(text(), "written\n");
}

TEST_F(FileHandlersTest, ReopenNeverEmptiesAFile) {
  const CapturedStderr captured;
  const fs::path folder = path_.string() + ".d";
  fs::create_directory(folder);
  FileHandler handler(FileOptions{(folder / "a.log").string(), "w", {}, false});
  handler.handle(message("one"));
  handler.reopen();
  handler.handle(message("two"));
  fs::rename(folder, path_.string() + ".e");
  EXPECT_THROW(handler.reopen(), Error);
  fs::rename(path_.string() + ".e", folder);
  handler.handle(message("three"));
  std::ostringstream text;
  text << std::ifstream(folder / "a.log").rdbuf();
  EXPECT_EQ(text.str(), "one\ntwo\nthree\n");
  fs::remove_all(folder);
}

TEST_F(FileHandlersTest, NullHandlerDoesNothing) {
  NullHandler handler;
  handler.add_filter(std::make_shared<Filter>("other"));
  EXPECT_TRUE(handler.handle(message("x")));
  EXPECT_EQ(handler.counters().records, 0U);
}

}  // namespace
}  // namespace logbus::file_handlers_test
