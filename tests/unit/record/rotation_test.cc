// SPDX-License-Identifier: MIT
// The namers and rotators that are ready to use.
#include <logbus/rotation.h>

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include <logbus/error.h>

namespace logbus {
namespace {

namespace fs = std::filesystem;

std::string unzipped(const std::string& path) {
  const gzFile file = ::gzopen(path.c_str(), "rb");
  if (file == nullptr) return "cannot open";
  std::string all;
  char part[4096];
  for (int count = 0; (count = ::gzread(file, part, sizeof part)) > 0;)
    all.append(part, static_cast<std::size_t>(count));
  const bool compressed = ::gzdirect(file) == 0;
  ::gzclose(file);
  return compressed ? all : "not compressed";
}

class RotationTest : public testing::Test {
 protected:
  RotationTest() {
    char name[] = "/tmp/logbus-rotation-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~RotationTest() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST_F(RotationTest, CompressesRotatedFiles) {
  RotatingFileHandler handler({path("a.log"), "a", "", false}, 5, 2);
  handler.set_namer(suffix_namer(".gz"));
  handler.set_rotator(gzip_rotator());
  for (const char* text : {"aaaa", "bbbb", "cccc", "dddd"}) {
    LogRecord record;
    record.msg = text;
    handler.handle(record);
  }
  EXPECT_EQ(unzipped(path("a.log.1.gz")), "cccc\n");
  EXPECT_EQ(unzipped(path("a.log.2.gz")), "bbbb\n");
  EXPECT_EQ(files(), 3U);
  EXPECT_EQ(handler.counters().errors, 0U);
}

TEST_F(RotationTest, CompressesAnyLengthAndKeepsThePermissions) {
  const std::string content(1'000'003, 'x');
  std::ofstream(path("a")) << content;
  ::chmod(path("a").c_str(), 0640);
  gzip_rotator()(path("a"), path("b"));
  EXPECT_EQ(unzipped(path("b")), content);
  EXPECT_EQ(fs::status(path("b")).permissions(), fs::perms{0640});
  EXPECT_EQ(files(), 1U);
}

TEST_F(RotationTest, NoSourceIsNothingToDo) {
  gzip_rotator()(path("none"), path("b"));
  EXPECT_EQ(files(), 0U);
}

TEST_F(RotationTest, FailureLeavesTheSourceAndNothingElse) {
  std::ofstream(path("a")) << "text";
  fs::create_directory(path("b"));
  EXPECT_THROW(gzip_rotator()(path("a"), path("b")), Error);
  EXPECT_EQ(files(), 2U);
  EXPECT_EQ(fs::file_size(path("a")), 4U);
}

}  // namespace
}  // namespace logbus
