// SPDX-License-Identifier: MIT
// Strings of unknown encoding become UTF-8, byte by byte where they are not.
#include "wire/utf8_text.h"

#include <string>

#include <gtest/gtest.h>

namespace logbus::wire {
namespace {

std::string escaped(std::string_view text) {
  std::string out;
  escape_invalid_utf8(text, out);
  return out;
}

TEST(Utf8TextTest, PassesTextAtEveryAlignment) {
  const std::string text = "plain a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 plain again, and long enough";
  for (std::size_t before = 0; before < 20; ++before) {
    const std::string moved = std::string(before, 'x') + text;
    EXPECT_TRUE(is_utf8(moved));
    EXPECT_EQ(escaped(moved), moved);
  }
}

TEST(Utf8TextTest, FindsABadByteAtEveryPlace) {
  for (std::size_t size = 1; size < 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      std::string text(size, 'x');
      text[at] = '\xff';
      EXPECT_FALSE(is_utf8(text));
      EXPECT_EQ(escaped(text), text.substr(0, at) + "\\xff" + text.substr(at + 1));
    }
  }
}

// Expected texts: Python's bytes.decode('utf-8', 'backslashreplace').
TEST(Utf8TextTest, EscapesWhatPythonEscapes) {
  EXPECT_EQ(escaped("\xc0\x80"), "\\xc0\\x80");                    // overlong
  EXPECT_EQ(escaped("\xe0\x80\x80"), "\\xe0\\x80\\x80");           // overlong
  EXPECT_EQ(escaped("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // surrogate
  EXPECT_EQ(escaped("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
  EXPECT_EQ(escaped("a\xe2\x82"), "a\\xe2\\x82");                  // cut
  EXPECT_EQ(escaped("\xe2\x82"
                    "b"),
            "\\xe2\\x82"
            "b");
  EXPECT_EQ(escaped("\x80\xc3\xa4"), "\\x80\xc3\xa4");
}

TEST(Utf8TextTest, KeepsNul) {
  EXPECT_TRUE(is_utf8(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace logbus::wire
