// SPDX-License-Identifier: MIT
// Files that are followed, and files in other encodings: the same bytes with lines and with records.
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <logbus/watched_file_handler.h>

#include "both_ways.h"

namespace logbus::consumer::test {
namespace {

TEST(FileLinesTest, WatchedFileIsFollowedAlike) {
  std::vector<std::string> files;
  const auto make = [&](std::size_t index, const FileOptions& file) {
    files.push_back(file.filename);
    const std::string mode = index < 2 ? "a" : "w";
    return std::make_shared<WatchedFileHandler>(FileOptions{file.filename, mode, "", index % 2 == 1});
  };
  const std::vector<FormatterOptions> formats(4, {.format = "%(name)s %(message)s"});
  BothWays ways(formats, make);
  const wire::Site plain = some_site("number {}");
  const wire::Site wrong = some_site("number {:d}");  // of a text: can't be formatted
  for (int i = 0; i < 300; ++i) {
    const bool fails = i % 31 == 30;
    const std::string payload = fails ? Payload(1).text("x").bytes() : Payload(1).i32(i).bytes();
    ways.handle(fails ? 1 : 0, fails ? wrong : plain, some_tenant(), kNoon + i, payload);
    if (i % 29 == 28) {
      for (const std::string& file : files) std::filesystem::rename(file, file + '.' + std::to_string(i));
    }
    if (i % 70 == 69) {
      ways.lines.flush();
      ways.records.flush();
    }
  }
  ways.expect_same();
  EXPECT_GT(ways.lines.lines_made(), 250U);
  EXPECT_EQ(ways.lines.files().size(), 44U);
}

TEST(FileLinesTest, EncodedFileGetsTheRecord) {
  const auto make = [&](std::size_t index, const FileOptions& file) {
    const std::string encoding = index == 0 ? "utf-16" : "cp1251";
    return std::make_shared<FileHandler>(FileOptions{file.filename, "a", encoding, false});
  };
  BothWays ways({{.format = "%(message)s"}, {.format = "%(name)s %(message)s"}}, make);
  const wire::Site site = some_site("{}");
  for (const char* text : {"a", "д", "é", "end"})
    ways.handle(0, site, some_tenant(), kNoon, Payload(1).text(text).bytes());
  ways.expect_same();
  EXPECT_EQ(ways.lines.lines_made(), 0U);
  EXPECT_EQ(ways.lines.files().at("1"), "orders.api a\norders.api \xE4\norders.api end\n");
}

}  // namespace
}  // namespace logbus::consumer::test
