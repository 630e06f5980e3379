// SPDX-License-Identifier: MIT
// A folder with a log file in it, for the tests of handlers that write files.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <logbus/file_handler.h>

namespace logbus::file_handlers_test {

namespace fs = std::filesystem;

inline LogRecord message(std::string_view text) {
  LogRecord record;
  record.msg = text;
  return record;
}

/// Base of the fixtures: a.log in a folder that goes with it.
class LogFile {
 protected:
  LogFile() {
    char name[] = "/tmp/logbus-files-XXXXXX";
    folder_ = ::mkdtemp(name);
    path_ = folder_ / "a.log";
  }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile() { fs::remove_all(folder_); }

  FileOptions options(std::string mode = "a", bool delay = false) const {
    return {path_.string(), mode, "", delay};
  }
  std::string text(const std::string& suffix = "") const {
    std::ostringstream all;
    all << std::ifstream(path_.string() + suffix).rdbuf();
    return all.str();
  }
  bool there(const std::string& suffix = "") const { return fs::exists(path_.string() + suffix); }
  void put(const std::string& content, const std::string& suffix = "") const {
    std::ofstream(path_.string() + suffix) << content;
  }

  fs::path folder_;
  fs::path path_;
};

class FileHandlersTest : public testing::Test, protected LogFile {};

}  // namespace logbus::file_handlers_test
