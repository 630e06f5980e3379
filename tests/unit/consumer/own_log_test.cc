// SPDX-License-Identifier: MIT
// What the sidecar says of itself on stderr.
#include "sidecar/own_log.h"

#include <unistd.h>

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

namespace logbus::sidecar {
namespace {

TEST(OwnLogTest, CutsABurstAndTellsHowMuch) {
  testing::internal::CaptureStderr();
  OwnLog log;
  log.set_level(Level::kWarning);
  log.info("not this");
  for (int i = 0; i < 150; ++i) log.warning("line");
  const std::string text = testing::internal::GetCapturedStderr();
  const auto lines = std::count(text.begin(), text.end(), '\n');
  EXPECT_GE(lines, 100);
  EXPECT_LT(lines, 150);
  EXPECT_EQ(text.find("not this"), std::string::npos);
  EXPECT_EQ(text.substr(0, text.find('\n')), "logbusd[" + std::to_string(::getpid()) + "]: warning: line");
}

TEST(OwnLogTest, SaysTheSameInJson) {
  testing::internal::CaptureStderr();
  OwnLog log;
  log.set_json(true);
  log.error("no \"bus\"");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_TRUE(text.starts_with("{\"time\":\"")) << text;
  const std::string end =
      "\"level\":\"ERROR\",\"logger\":\"logbusd\",\"message\":\"no \\\"bus\\\"\",\"pid\":" +
      std::to_string(::getpid()) + "}\n";
  EXPECT_TRUE(text.ends_with(end)) << text;
}

TEST(OwnLogTest, AFullPipeNeverBlocks) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const std::string line(1000, 'x');
  int written = 0;
  while (written < 1000 && write_if_ready(ends[1], line)) ++written;
  EXPECT_GT(written, 10);
  EXPECT_LT(written, 1000);  // a pipe holds 64 KiB
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_FALSE(write_if_ready(ends[1], line));
}

}  // namespace
}  // namespace logbus::sidecar
