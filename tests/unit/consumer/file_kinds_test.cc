// SPDX-License-Identifier: MIT
// The handlers of files as a configuration describes them: what is Python's own is compared in
// tests/reference.
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <logbus/handler.h>

#include "config_text.h"

namespace logbus::sidecar {
namespace {

namespace fs = std::filesystem;

class FileKindsTest : public testing::Test {
 protected:
  FileKindsTest() {
    char name[] = "/tmp/logbus-kinds-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~FileKindsTest() override { fs::remove_all(folder_); }

  // Of the one handler with these keys, which writes a.log.
  std::shared_ptr<Handler> make(const std::string& keys) const {
    const std::string file = (folder_ / "a.log").string();
    return good("version: 1\nhandlers:\n  h: {filename: " + file + ", " + keys + "}\n")
        .handlers.at(0)
        .make({});
  }
  static void write(Handler& handler, const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      LogRecord record;
      record.msg = text;
      handler.handle(record);
    }
    handler.close();
  }
  std::string bytes(const std::string& name) const {
    std::ostringstream all;
    all << std::ifstream(folder_ / name).rdbuf();
    return all.str();
  }
  std::string unzipped(const std::string& name) const {
    char text[100];
    const gzFile file = ::gzopen((folder_ / name).c_str(), "rb");
    const int count = ::gzread(file, text, sizeof text);
    ::gzclose(file);
    return {text, static_cast<std::size_t>(std::max(count, 0))};
  }

  fs::path folder_;
};

TEST_F(FileKindsTest, RotatedFilesAreNamedAndCompressed) {
  write(*make("class: logging.handlers.RotatingFileHandler, maxBytes: 5, backupCount: 2, "
              "'.': {namer: 'suffix:.gz', rotator: gzip, terminator: \"\\r\\n\"}"),
        {"aaaa", "bbbb", "cccc"});
  EXPECT_EQ(bytes("a.log"), "cccc\r\n");
  EXPECT_EQ(unzipped("a.log.1.gz"), "bbbb\r\n");
  EXPECT_EQ(unzipped("a.log.2.gz"), "aaaa\r\n");
}

TEST_F(FileKindsTest, NamerAndRotatorGoWithoutEachOther) {
  write(
      *make("class: logging.handlers.RotatingFileHandler, maxBytes: 5, backupCount: 1, '.': {rotator: gzip}"),
      {"aaaa", "bbbb"});
  EXPECT_EQ(unzipped("a.log.1"), "aaaa\n");
  write(*make("class: logging.handlers.RotatingFileHandler, maxBytes: 5, backupCount: 1, "
              "'.': {namer: 'suffix: old', rotator: null}"),
        {"cccc"});
  EXPECT_EQ(bytes("a.log.1 old"), "bbbb\n");
}

TEST_F(FileKindsTest, TimedFilesAreNamedAndCompressedToo) {
  std::ofstream(folder_ / "a.log") << "old\n";
  fs::last_write_time(folder_ / "a.log", fs::file_time_type::clock::now() - std::chrono::hours(48));
  write(*make("class: logging.handlers.TimedRotatingFileHandler, when: H, '.': {namer: 'suffix:.gz', "
              "rotator: gzip}"),
        {"new"});
  EXPECT_EQ(bytes("a.log"), "new\n");
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder_))
    if (entry.path().extension() == ".gz") names.push_back(entry.path().filename());
  ASSERT_EQ(names.size(), 1U);
  EXPECT_EQ(unzipped(names[0]), "old\n");
}

TEST_F(FileKindsTest, EncodingAndErrorsReachTheFile) {
  for (const char* name : {"FileHandler", "handlers.WatchedFileHandler", "handlers.RotatingFileHandler",
                           "handlers.TimedRotatingFileHandler"}) {
    write(*make(std::string("class: logging.") + name + ", encoding: latin-1, errors: replace"), {"é€"});
    EXPECT_EQ(bytes("a.log"), "\xE9?\n") << name;
    fs::remove(folder_ / "a.log");
  }
}

}  // namespace
}  // namespace logbus::sidecar
