// SPDX-License-Identifier: MIT
// Messages in fmt's style: the text is fmt::format's of the same arguments.
#include "record/brace_merge.h"

#include <chrono>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

namespace logbus::record {
namespace {

std::string merge(std::string_view format, const List& args = {}, const Fields& extra = {}) {
  std::string text = "<";
  append_brace(format, args, extra, text);
  return text.substr(1);
}

std::string runtime_merge(std::string_view format, const List& args) {
  std::string text;
  append_runtime_brace(format, args, {}, text);
  return text;
}

/// fmt's own text of `argument`, or what it says against the spec.
template <class T>
std::string expected(const std::string& format, const T& argument) {
  try {
    return fmt::format(fmt::runtime(format), argument);
  } catch (const fmt::format_error& error) {
    return std::string("error: ") + error.what();
  }
}

std::string actual(const std::string& format, const Value& value) {
  try {
    return merge(format, {value});
  } catch (const fmt::format_error& error) {
    return std::string("error: ") + error.what();
  }
}

template <class T>
void expect_same(const T& argument, const Value& value, std::initializer_list<const char*> specs) {
  for (const char* spec : specs) {
    const std::string format = *spec == 0 ? "{}" : std::string("{:") + spec + "}";
    EXPECT_EQ(actual(format, value), expected(format, argument)) << format;
  }
}

TEST(BraceMergeTest, CopiesTextAndDoubledBraces) {
  EXPECT_EQ(merge(""), "");
  EXPECT_EQ(merge("plain"), "plain");
  EXPECT_EQ(merge("{{"), "{");
  EXPECT_EQ(merge("a{{}}b{{{}}}", {1}), "a{}b{1}");
}

TEST(BraceMergeTest, TakesArgumentsInOrderOrByNumber) {
  EXPECT_EQ(merge("{} {} {}", {1, "two", 3.0}), "1 two 3");
  EXPECT_EQ(merge("{1} {0} {1}", {1, 2}), "2 1 2");
}

TEST(BraceMergeTest, BindsAnExtraFieldByItsName) {
  EXPECT_EQ(merge("{ms:.1f} {} {id}", {1}, {{"id", 42}, {"ms", 183.25}}), "183.2 1 42");
  EXPECT_THROW(merge("{nope}", {1}), fmt::format_error);
}

TEST(BraceMergeTest, TakesWidthAndPrecisionFromArguments) {
  EXPECT_EQ(merge("{:{}}|", {"ab", 5}), fmt::format("{:{}}|", "ab", 5));
  EXPECT_EQ(merge("{:>{}.{}f}|", {3.14159, 8, 2}), fmt::format("{:>{}.{}f}|", 3.14159, 8, 2));
  EXPECT_EQ(merge("{0:.{1}f} {0}", {3.14159, 0}), fmt::format("{0:.{1}f} {0}", 3.14159, 0));
  EXPECT_EQ(merge("{:{}}|", {"ab", 0}), fmt::format("{:{}}|", "ab", 0));
  EXPECT_EQ(merge("{:0{}}|", {7, 0}), fmt::format("{:0{}}|", 7, 0));
  EXPECT_EQ(merge("{:{w}}|", {7}, {{"w", 4}}), "   7|");
}

TEST(BraceMergeTest, RefusesWhatFmtRefuses) {
  for (const char* format : {"{", "}", "{:", "{:d", "{0", "{0:", "{ }", "{!}", "{:{", "{:{}", "{0}{}",
                             "{}{0}", "{9}", "{99999999999}", "{:{}d}", "{-1}"}) {
    EXPECT_THROW(merge(format, {1}), fmt::format_error) << format;
    EXPECT_THROW((void)fmt::format(fmt::runtime(format), 1), fmt::format_error) << format;
  }
  EXPECT_THROW(merge("{:{}}", {1, -1}), fmt::format_error);
  EXPECT_THROW(merge("{:{}}", {1, "x"}), fmt::format_error);
  EXPECT_THROW(merge("{:.{}}", {1.0, -1}), fmt::format_error);
  EXPECT_THROW(merge("{:d}", {"x"}), fmt::format_error);
}

TEST(BraceMergeTest, LimitsWidthsAndTheWholeLength) {
  EXPECT_EQ(merge("{:1048576}", {1}).size(), 1048576U);
  EXPECT_THROW(merge("{:1048577}", {1}), fmt::format_error);
  EXPECT_THROW(merge("{:.1048577f}", {1.0}), fmt::format_error);
  EXPECT_THROW(merge("{:{}}", {1, 1048577}), fmt::format_error);
  EXPECT_THROW(merge("{:{}}", {1, std::numeric_limits<std::int64_t>::max()}), fmt::format_error);
  std::string format;
  for (int count = 0; count < 70; ++count) format += "{0}";
  EXPECT_THROW(merge(format, {std::string(1 << 20, 'x')}), fmt::format_error);
}

TEST(BraceMergeTest, ScalarsPrintAsFmtPrints) {
  for (const std::int64_t value :
       {std::int64_t{0}, std::int64_t{42}, std::int64_t{-42}, std::numeric_limits<std::int64_t>::max(),
        std::numeric_limits<std::int64_t>::min()}) {
    expect_same(static_cast<long long>(value), value,
                {"",   "5", "<5", ">30", "^7",   "*^9", "+", " ", "-", "#x", "#X", "x",  "o",
                 "#o", "b", "#b", "010", "+08d", "d",   "L", "c", "s", ".2", "f",  "é^8"});
  }
  expect_same(~0ULL, ~std::uint64_t{0}, {"", "x", "30", "#b", "c"});
  for (const double value :
       {0.0, -0.0, 1.0, 3.14159265, -2.5e-10, 1e16, 1e300, 0.1 + 0.2, std::numeric_limits<double>::infinity(),
        std::numeric_limits<double>::quiet_NaN()}) {
    expect_same(value, value,
                {"", ".3", ".3f", "e", "E", "g", "G", "a", "#", "+", "010.2f", "<12", "^12", "F", "L", ".0f",
                 "d", "s"});
    expect_same(static_cast<float>(value), static_cast<float>(value), {"", ".3", "g", "10", "a"});
  }
  expect_same(true, true, {"", "d", "s", "6", "x", "<7", "c"});
  expect_same('x', 'x', {"", "c", "d", "5", ">5", "?", "x", "s"});
  expect_same(std::string_view("né✓\n"), "né✓\n",
              {"", "s", "10", ">10", "^10", ".2", "*<8.3", "?", "d", "é>7"});
  expect_same(reinterpret_cast<const void*>(0xbeef), Pointer{0xbeef}, {"", "p", "20", "<20", "d"});
}

TEST(BraceMergeTest, ContainersPrintAsFmtPrints) {
  expect_same(std::vector<int>{1, -2, 30}, List{1, -2, 30},
              {"", "n", ":x", "n:x", "::", ":>4", ":#x", "x", ":s"});
  expect_same(std::vector<int>{}, List{}, {"", "n", ":x"});
  expect_same(std::vector<std::string>{"a\"b", "c"}, List{"a\"b", "c"}, {"", ":", ":s", ":>4", "n", ":?"});
  expect_same(std::vector<char>{'a', '\n'}, List{'a', '\n'}, {"", ":", ":d", "n"});
  expect_same(std::vector<std::vector<int>>{{1, 2}, {}}, List{List{1, 2}, List{}},
              {"", ":n", "::x", "n:n:x"});
  expect_same(std::vector<std::vector<std::string>>{{"a"}, {}}, List{List{"a"}, List{}},
              {"", ":", "::", "n", ":n"});
  expect_same(std::vector<std::set<char>>{{'a'}}, List{Set{{'a'}}}, {"", ":", "n"});
  expect_same(std::vector<std::map<int, std::string>>{{{1, "a"}}}, List{Dict{{1, "a"}}}, {"", ":", "n"});
  expect_same(std::make_tuple(std::vector<std::string>{"a"}, std::make_tuple("b")),
              Tuple{{List{"a"}, Tuple{{"b"}}}}, {""});
  expect_same(std::vector<double>{1.0, 2.5}, List{1.0, 2.5}, {"", ":.1f"});
  expect_same(std::map<std::string, int>{{"a", 1}, {"b", 2}}, Dict{{"a", 1}, {"b", 2}}, {"", "n", ":", "x"});
  expect_same(std::map<int, std::vector<std::string>>{{1, {"x"}}}, Dict{{1, List{"x"}}}, {"", "n"});
  expect_same(std::set<int>{1, 2}, Set{{1, 2}}, {"", "n", ":02"});
  expect_same(std::make_tuple(1, "a", 'c', 2.5, true), Tuple{{1, "a", 'c', 2.5, true}}, {""});
  expect_same(std::vector<std::pair<int, std::string>>{{1, "a"}}, List{Tuple{{1, "a"}}}, {"", "n"});
}

TEST(BraceMergeTest, TimesPrintAsFmtPrints) {
  using std::chrono::duration;
  expect_same(std::chrono::milliseconds(1500), Duration{1, 1000, std::int64_t{1500}},
              {"", "%S", "%Q%q", "10", ">10"});
  expect_same(std::chrono::seconds(3661), Duration{1, 1, std::int64_t{3661}}, {"", "%H:%M:%S", "%T"});
  expect_same(std::chrono::microseconds(7), Duration{1, 1'000'000, std::int64_t{7}}, {""});
  expect_same(std::chrono::nanoseconds(-7), Duration{1, 1'000'000'000, std::int64_t{-7}}, {""});
  expect_same(std::chrono::minutes(5), Duration{60, 1, std::int64_t{5}}, {"", "%H:%M"});
  expect_same(std::chrono::hours(5), Duration{3600, 1, std::int64_t{5}}, {""});
  expect_same(duration<double>(1.5), Duration{1, 1, 1.5}, {"", ".1", "%S"});
  const auto moment = std::chrono::system_clock::from_time_t(1'700'000'000);
  expect_same(moment, TimePoint{1'700'000'000, 5}, {"", "%H:%M", "%F", "%Y-%m-%d %T", "%j"});
}

TEST(BraceMergeTest, TextOfTheWorkerIsTakenAsItIs) {
  EXPECT_EQ(merge("{:>30}|", {Text{"made"}}), "made|");
}

TEST(BraceMergeTest, EmptyOptionalPrintsNone) {
  EXPECT_EQ(merge("{} {:>6} {:05.1f}", {None{}, None{}, None{}}), "None   None None");
}

TEST(BraceMergeTest, UncheckedFormatThatIsBadPrintsItselfAndTheArguments) {
  EXPECT_EQ(runtime_merge("{} ok", {1}), "1 ok");
  EXPECT_EQ(runtime_merge("{:q} bad", {1, "two"}), "{:q} bad (1, \"two\")");
  EXPECT_EQ(runtime_merge("open {", {}), "open {");
  EXPECT_EQ(runtime_merge("{} {}", {1}), "{} {} (1)");
}

}  // namespace
}  // namespace logbus::record
