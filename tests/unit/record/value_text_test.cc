// SPDX-License-Identifier: MIT
// Values as Python prints them.
#include "record/value_text.h"

#include <limits>

#include <gtest/gtest.h>

namespace logbus::record {
namespace {

std::string str(const Value& value) {
  std::string text;
  append_str(value, text);
  return text;
}

std::string repr(const Value& value) {
  std::string text;
  append_repr(value, text);
  return text;
}

TEST(ValueTextTest, PrintsScalarsAsPython) {
  EXPECT_EQ(str(None{}), "None");
  EXPECT_EQ(str(true), "True");
  EXPECT_EQ(str(-5), "-5");
  EXPECT_EQ(str(std::numeric_limits<std::uint64_t>::max()), "18446744073709551615");
  EXPECT_EQ(str(std::numeric_limits<std::int64_t>::min()), "-9223372036854775808");
  EXPECT_EQ(str('x'), "x");
  EXPECT_EQ(repr('x'), "'x'");
  EXPECT_EQ(str(Pointer{255}), "0xff");
}

TEST(ValueTextTest, PrintsFloatsShortestRoundTrip) {
  EXPECT_EQ(str(3.0), "3.0");
  EXPECT_EQ(str(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(str(-0.0), "-0.0");
  EXPECT_EQ(str(1e15), "1000000000000000.0");
  EXPECT_EQ(str(1e16), "1e+16");
  EXPECT_EQ(str(1.5e16), "1.5e+16");
  EXPECT_EQ(str(1e-4), "0.0001");
  EXPECT_EQ(str(1e-5), "1e-05");
  EXPECT_EQ(str(5e-324), "5e-324");
  EXPECT_EQ(str(std::numeric_limits<double>::infinity()), "inf");
  EXPECT_EQ(str(-std::numeric_limits<double>::infinity()), "-inf");
  EXPECT_EQ(str(std::numeric_limits<double>::quiet_NaN()), "nan");
}

TEST(ValueTextTest, FloatOfSinglePrecisionIsShortestAsSingle) {
  EXPECT_EQ(str(0.1F), "0.1");
}

TEST(ValueTextTest, ReprChoosesQuotes) {
  EXPECT_EQ(repr("a"), "'a'");
  EXPECT_EQ(repr("it's"), "\"it's\"");
  EXPECT_EQ(repr("\"'"), "'\"\\''");
}

TEST(ValueTextTest, ReprEscapesWhatIsNotPrintable) {
  EXPECT_EQ(repr("\n\r\t\\\x01\x7f"), "'\\n\\r\\t\\\\\\x01\\x7f'");
  EXPECT_EQ(repr("é✓😀"), "'é✓😀'");
  EXPECT_EQ(repr("\u00a0\u200b\U000e0001"), "'\\xa0\\u200b\\U000e0001'");
  EXPECT_EQ(repr(std::string("\0", 1)), "'\\x00'");
}

TEST(ValueTextTest, ReprShowsBrokenUtf8AsBytes) {
  EXPECT_EQ(repr("a\xffz"), "'a\\xffz'");
  EXPECT_EQ(repr("\xe2\x9c"), "'\\xe2\\x9c'");
  EXPECT_EQ(repr("\xed\xa0\x80"), "'\\xed\\xa0\\x80'");  // a surrogate
}

TEST(ValueTextTest, AsciiEscapesAllBeyondAscii) {
  std::string text;
  append_ascii("é✓😀", text);
  EXPECT_EQ(text, "'\\xe9\\u2713\\U0001f600'");
}

TEST(ValueTextTest, PrintsContainers) {
  EXPECT_EQ(str(List{1, "a", None{}}), "[1, 'a', None]");
  EXPECT_EQ(str(List{}), "[]");
  EXPECT_EQ(str(Tuple{{1}}), "(1,)");
  EXPECT_EQ(str(Tuple{{1, 2}}), "(1, 2)");
  EXPECT_EQ(str(Tuple{}), "()");
  EXPECT_EQ(str(Set{}), "set()");
  EXPECT_EQ(str(Set{{1, 2}}), "{1, 2}");
  EXPECT_EQ(str(Dict{{"k", true}, {2, List{}}}), "{'k': True, 2: []}");
  EXPECT_EQ(str(Dict{}), "{}");
}

TEST(ValueTextTest, KnowsWhatIsTrue) {
  EXPECT_FALSE(is_truthy(None{}));
  EXPECT_FALSE(is_truthy(0));
  EXPECT_FALSE(is_truthy(""));
  EXPECT_FALSE(is_truthy(List{}));
  EXPECT_FALSE(is_truthy(Dict{}));
  EXPECT_TRUE(is_truthy(-1));
  EXPECT_TRUE(is_truthy(List{None{}}));
  EXPECT_TRUE(is_truthy("0"));
}

}  // namespace
}  // namespace logbus::record
