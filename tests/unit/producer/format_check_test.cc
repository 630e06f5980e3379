// SPDX-License-Identifier: MIT
// The compile-time check against fmt itself: both accept and refuse the same formats.
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <logbus/detail/argument_traits.h>
#include <logbus/detail/format_check.h>

namespace logbus {
namespace {

using namespace std::chrono_literals;

template <class... A>
bool we_accept(std::string_view format) {
  constexpr auto types = detail::field_types<true, A...>();
  return detail::FormatChecker(format, std::span(types.first).first(types.second), {}).check() ==
         detail::FormatError::kNone;
}

template <class... A>
bool fmt_accepts(std::string_view format, const A&... arguments) {
  try {
    static_cast<void>(fmt::format(fmt::runtime(format), arguments...));
    return true;
  } catch (const fmt::format_error&) {
    return false;
  }
}

std::vector<std::string> specs() {
  std::vector<std::string> all;
  const char* const starts[] = {
      "",  "<",   ">8", "*^", "+",  "-",   " ", "#",     "0",  "08",   "5",   ".3",  "8.2",
      "L", "é<5", "n",  ":",  "n:", ":>4", "%", "%H:%M", "%F", "%Q%q", "%Ex", "%OH", "}"};
  const char* const types[] = {"",  "d", "x", "X", "o", "b", "B", "c", "s", "p",
                               "a", "e", "f", "F", "g", "G", "?", "z", "L"};
  for (const char* start : starts) {
    for (const char* type : types) all.push_back(std::string(start) + type);
  }
  for (const char* more :
       {"<>",  ".",   ".d", "+08.3f", "#x", "#08x", " <", "{<5", "99999999999", ".99999999999", "=5", "::",
        "::x", "n:x", "nn", ">5d",    "d5", "5%d",  "%",  "%E",  "%O",          "%Oy",          "%Ou"})
    all.push_back(more);
  return all;
}

template <class T>
void compare(const char* what, const T& value) {
  int agreed = 0;
  for (const std::string& spec : specs()) {
    const std::string format = "{:" + spec + "}";
    EXPECT_EQ(we_accept<T>(format), fmt_accepts(format, value)) << what << " in " << format;
    ++agreed;
  }
  EXPECT_GT(agreed, 400);
}

TEST(FormatCheckTest, AgreesWithFmtOnIntegers) {
  compare("int", 42);
  compare("unsigned", 42U);
  compare("long", 42L);
  compare("bool", true);
  compare("char", 'x');
}
TEST(FormatCheckTest, AgreesWithFmtOnFloats) {
  compare("float", 1.5F);
  compare("double", 2.5);
}
TEST(FormatCheckTest, AgreesWithFmtOnStringsAndPointers) {
  compare("string", std::string("text"));
  compare("pointer", static_cast<const void*>(nullptr));
}
TEST(FormatCheckTest, AgreesWithFmtOnRanges) {
  compare("vector<int>", std::vector<int>{1, 2});
  compare("vector<string>", std::vector<std::string>{"a"});
  compare("vector<vector<double>>", std::vector<std::vector<double>>{{1.5}});
  compare("map", std::map<std::string, int>{{"a", 1}});
  compare("tuple", std::tuple<int, std::string>{1, "a"});
}
TEST(FormatCheckTest, AgreesWithFmtOnTimes) {
  compare("seconds", 5s);
  compare("double seconds", std::chrono::duration<double>(2.5));
  compare("time_point", std::chrono::system_clock::time_point(100s));
}

TEST(FormatCheckTest, AgreesWithFmtOnWholeFormats) {
  const char* const formats[] = {
      "",         "{}{}",       "{} {}",     "{0} {1}", "{1}{0}",   "{0}{0}{1}",  "{} {} {}", "{2}",
      "{} {1}",   "{0} {}",     "{:{}} {}",  "{:{}}",   "{0:{1}}",  "{:.{}}",     "{1:.{0}}", "{",
      "}",        "{{}} {} {}", "}}{}{}",    "{ } {}",  "{:} {}",   "{!r} {}",    "{0!s}{1}", "{01} {1}",
      "{0x} {1}", "{}{:>{}}}",  "{}{:{}{}}", "{}{}}",   "{{{}}}{}", "{0:{}} {1}", "{:{:}}",   "{}{:{1}}",
      "{-1}{}",   "{}{",        "{}{:",      "{:>{}x}",
  };
  for (const char* format : formats) {
    // fmt allows unused arguments, and this check doesn't: those formats use both, or are wrong for both.
    const bool uses_both = we_accept<double, int>(format);
    const bool valid = fmt_accepts(format, 2.5, 7);
    EXPECT_TRUE(valid || !uses_both) << format;
    constexpr auto types = detail::field_types<true, double, int>();
    const auto error = detail::FormatChecker(format, std::span(types.first).first(2), {}).check();
    EXPECT_EQ(valid, error == detail::FormatError::kNone || error == detail::FormatError::kArgumentUnused)
        << format;
  }
}

}  // namespace
}  // namespace logbus
