// SPDX-License-Identifier: MIT
// Which lines of a batch a file still lacks.
#include "file_completion.h"

#include <sstream>
#include <string>

#include <gtest/gtest.h>

namespace logbus::consumer {
namespace {

TEST(MissingLinesTest, FollowWhatIsThereWhereverItIsCut) {
  const std::string lines = "one\ntwo\n\nthree\n";
  for (std::size_t cut = 0; cut <= lines.size(); ++cut) {
    const Missing missing = missing_lines(lines, lines.substr(0, cut));
    EXPECT_EQ(missing.bytes, lines.substr(cut));
    EXPECT_FALSE(missing.mixed);
  }
}

// Whole lines of others in between, wherever ours are cut: none of ours is lost or there twice.
TEST(MissingLinesTest, SkipLinesOfOthers) {
  const std::string lines = "one\ntwo\ntwo\nthree\n";
  for (std::size_t cut = 0; cut <= lines.size(); ++cut) {
    const std::string tail = lines.substr(0, cut) + "foreign\n";
    const std::string text = tail + missing_lines(lines, tail).bytes;
    std::istringstream all(text);
    std::string whole;
    bool torn = false;  // one of ours whose end is the foreigner's
    for (std::string line; std::getline(all, line);) {
      if (line.ends_with("foreign"))
        torn = line != "foreign";
      else
        whole += line + "\n";
    }
    EXPECT_EQ(whole, lines) << "cut at " << cut << (torn ? ", torn" : "");
  }
}

// A file of others' short lines behind a long one of ours took hours: for each of them ours was looked at.
TEST(MissingLinesTest, TakeNoLongerForLongLines) {
  const std::string tail(1 << 20, '\n');
  const std::string line(1 << 20, 'x');
  EXPECT_EQ(missing_lines(line, tail).bytes, line);
}

TEST(MissingLinesTest, BeginALineOfTheirOwn) {
  EXPECT_EQ(missing_lines("one\ntwo\n", "else\none\ntw").bytes, "o\n");
  EXPECT_EQ(missing_lines("one\ntwo\n", "else\none\nhalf").bytes, "\ntwo\n");
  EXPECT_EQ(missing_lines("one\ntwo\n", "one\ntwo\nelse").bytes, "");
}

}  // namespace
}  // namespace logbus::consumer
