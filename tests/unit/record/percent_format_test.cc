// SPDX-License-Identifier: MIT
// Python's % operator; tests/reference compares far more with CPython itself.
#include "record/percent_format.h"

#include <cmath>

#include <gtest/gtest.h>

namespace logbus::record {
namespace {

std::string percent(std::string_view format, const Value& args) {
  std::string text;
  append_percent(format, args, text);
  return text;
}

std::string error_of(std::string_view format, const Value& args) {
  try {
    return "no error: " + percent(format, args);
  } catch (const std::exception& error) {
    return error.what();
  }
}

TEST(PercentFormatTest, ConvertsIntegers) {
  EXPECT_EQ(percent("%d %5d %-5d| %05d %+d % d", List{1, 2, 3, -4, 5, 6}), "1     2 3    | -0004 +5  6");
  EXPECT_EQ(percent("%x %X %o %#x %#X %#o", List{255, 255, 8, 255, 255, 20}), "ff FF 10 0xff 0XFF 0o24");
  EXPECT_EQ(percent("%#010x|%-#8x|%.4d|%8.4d", List{255, 255, 7, -7}), "0x000000ff|0xff    |0007|   -0007");
  EXPECT_EQ(percent("%d %i %u", List{true, 3.99, -3.99}), "1 3 -3");
  EXPECT_EQ(percent("%d", List{1e23}), "99999999999999991611392");
}

TEST(PercentFormatTest, ConvertsFloats) {
  EXPECT_EQ(percent("%f %.2f %e %g %G", List{1.5, 2.345, 12345.678, 1e-5, 1e20}),
            "1.500000 2.35 1.234568e+04 1e-05 1E+20");
  EXPECT_EQ(percent("%08.2f|%-8.1f|%+g", List{-1.5, 1.5, 1}), "-0001.50|1.5     |+1");
  EXPECT_EQ(percent("%f %F %05f", List{INFINITY, NAN, INFINITY}), "inf NAN 00inf");
}

TEST(PercentFormatTest, CountsCodePointsInWidths) {
  EXPECT_EQ(percent("%-4s|%4s|%.1s|%5.2s|", List{"é✓", "é✓", "✓é", "✓éa"}), "é✓  |  é✓|✓|   ✓é|");
}

TEST(PercentFormatTest, ConvertsText) {
  EXPECT_EQ(percent("%s %r %a", List{"é", "é", "é"}), "é 'é' '\\xe9'");
  EXPECT_EQ(percent("%c%c%3c|", List{65, "é", "x"}), "Aé  x|");
}

TEST(PercentFormatTest, TakesStarsFromTheArguments) {
  EXPECT_EQ(percent("%*d|%-*d|%.*f|%*d|", List{5, 1, 5, 1, 1, 2.25, -4, 1}), "    1|1    |2.2|1   |");
  EXPECT_EQ(error_of("%*d", List{"x", 1}), "TypeError: * wants int");
}

TEST(PercentFormatTest, TakesKeysFromAMapping) {
  EXPECT_EQ(percent("%(a)s-%(b)03d", Dict{{"a", "x"}, {"b", 7}}), "x-007");
  EXPECT_EQ(percent("%(a(b))s", Dict{{"a(b)", 1}}), "1");
  EXPECT_EQ(percent("%s", Dict{{"a", 1}}), "{'a': 1}");
  EXPECT_EQ(error_of("%(c)s", Dict{{"a", 1}}), "KeyError: 'c'");
  EXPECT_EQ(error_of("%(c)s", List{1}), "TypeError: format requires a mapping");
}

TEST(PercentFormatTest, TakesAnythingElseAsTheOnlyArgument) {
  EXPECT_EQ(percent("%s", 5), "5");
  EXPECT_EQ(percent("%s", "x"), "x");
  EXPECT_EQ(error_of("%s %s", 5), "TypeError: not enough arguments for format string");
}

TEST(PercentFormatTest, SaysWhatDoesNotFit) {
  EXPECT_EQ(error_of("%s %s", List{1}), "TypeError: not enough arguments for format string");
  EXPECT_EQ(error_of("%s", List{1, 2}), "TypeError: not all arguments converted during string formatting");
  EXPECT_EQ(error_of("%d", List{"x"}), "TypeError: %d format: a real number is required, not str");
  EXPECT_EQ(error_of("%x", List{1.5}), "TypeError: %x format: an integer is required, not float");
  EXPECT_EQ(error_of("%f", List{"x"}), "TypeError: must be real number, not str");
  EXPECT_EQ(error_of("%y", List{1}), "ValueError: unsupported format character 'y' (0x79) at index 1");
  EXPECT_EQ(error_of("é%y", List{1}), "ValueError: unsupported format character 'y' (0x79) at index 2");
  EXPECT_EQ(error_of("%", List{1}), "ValueError: incomplete format");
  EXPECT_EQ(error_of("%(a", Dict{{"a", 1}}), "ValueError: incomplete format key");
  EXPECT_EQ(error_of("%d", List{INFINITY}), "OverflowError: cannot convert float infinity to integer");
  EXPECT_EQ(error_of("%d", List{NAN}), "ValueError: cannot convert float NaN to integer");
  EXPECT_EQ(error_of("%c", List{-1}), "OverflowError: %c arg not in range(0x110000)");
}

TEST(PercentFormatTest, LimitsWidthsAndTheWholeLength) {
  EXPECT_EQ(percent("%1048576d", List{1}).size(), 1048576U);
  EXPECT_EQ(error_of("%1048577d", List{1}), "ValueError: width too big");
  EXPECT_EQ(error_of("%.1048577f", List{1}), "ValueError: precision too big");
  EXPECT_EQ(error_of("%*d", List{1048577, 1}), "OverflowError: width too big");
  List args;
  std::string format;
  for (int count = 0; count < 70; ++count) {
    format += "%1048576d";
    args.emplace_back(1);
  }
  EXPECT_EQ(error_of(format, args), "ValueError: message is too long");
}

TEST(PercentFormatTest, PercentSignStandsOnlyBehindAPercentSign) {
  EXPECT_EQ(percent("%d%%", List{50}), "50%");
  EXPECT_EQ(error_of("%5%", List{1}), "ValueError: unsupported format character '%' (0x25) at index 2");
}

}  // namespace
}  // namespace logbus::record
