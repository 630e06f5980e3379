// SPDX-License-Identifier: MIT
// Arguments and specs over the whole way (encode, decode, merge) give the text of fmt::format.
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <deque>
#include <iostream>
#include <limits>
#include <list>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <logbus/log_record.h>

#include "payload.h"
#include "wire/codec.h"

namespace logbus::wire::test {
namespace {

using namespace std::chrono_literals;

using Specs = std::vector<const char*>;

class ArgumentTableTest : public testing::Test {
 protected:
  // fmt prints points in time in UTC, the sidecar in its own zone.
  static void SetUpTestSuite() {
    ::setenv("TZ", "UTC0", 1);
    ::tzset();
  }
  static void TearDownTestSuite() {
    std::cout << "argument/spec pairs that ran: " << pairs_ << '\n';
    EXPECT_GE(pairs_, 1000U);
  }

  /// The text that the sidecar makes of a call with this format.
  template <class... A>
  std::string text(std::string_view format, [[maybe_unused]] std::string_view spec, const A&... arguments) {
    std::string payload(detail::array_header_size(sizeof...(A)), '\0');
    detail::write_array_header(payload.data(), sizeof...(A));
    (payload.append(encode(arguments, spec)), ...);
    return merged(format, payload);
  }

  template <class... A>
  void same(std::string_view format, const A&... arguments) {
    compare(format, text(format, "", arguments...),
            fmt::vformat(format, fmt::make_format_args(arguments...)));
  }

  /// One argument and its field's spec, which fmt must take.
  template <class T>
  void one(const T& argument, std::string_view spec) {
    const std::string format = field(spec);
    compare(format, text(format, spec, argument), fmt::vformat(format, fmt::make_format_args(argument)));
  }
  template <class T>
  void all(const std::vector<T>& arguments, const Specs& specs) {
    for (const T& argument : arguments) {
      for (const char* spec : specs) one(argument, spec);
    }
  }

 private:
  // Not in the templates above: they have some sixty instances.
  static std::string field(std::string_view spec) {
    return spec.empty() ? "[{}]" : std::string("[{:").append(spec).append("}]");
  }
  static void compare(std::string_view format, const std::string& actual, const std::string& expected) {
    EXPECT_EQ(actual, expected) << format;
    ++pairs_;
  }
  std::string merged(std::string_view format, const std::string& payload) {
    Site site;
    site.format = format;
    const DecodeResult result = decoder_.decode_record(site, as_bytes(payload), record_);
    if (result != DecodeResult::kOk) return "not decoded: " + hex(payload);
    try {
      return record_.get_message();
    } catch (const std::exception& error) {
      return std::string("threw: ") + error.what();
    }
  }

  inline static unsigned pairs_ = 0;
  Decoder decoder_;
  LogRecord record_;
};

template <class T>
std::vector<T> limits() {
  using L = std::numeric_limits<T>;
  return {L::min(), static_cast<T>(L::min() + 1), T{0}, T{1}, T{42}, static_cast<T>(L::max() - 1), L::max()};
}

// fmt takes a sign for signed integers only.
const Specs kUnsignedSpecs = {"",  "d",  "x",  "#x", "X",  "#X",    "o", "#o",  "b",    "#b",   "#B",
                              "8", "<8", ">8", "^8", "08", "#012x", "L", "030", "*^30", "~>25d"};
const Specs kSignedSpecs = {"+", " ", "-", "+08", "-x", "+#x", " 9", "*^+9"};

template <class T>
Specs integer_specs() {
  Specs specs = kUnsignedSpecs;
  if (std::is_signed_v<T>) specs.insert(specs.end(), kSignedSpecs.begin(), kSignedSpecs.end());
  return specs;
}

TEST_F(ArgumentTableTest, Integers) {
  all(limits<short>(), integer_specs<short>());
  all(limits<unsigned short>(), integer_specs<unsigned short>());
  all(limits<int>(), integer_specs<int>());
  all(limits<unsigned>(), integer_specs<unsigned>());
  all(limits<long>(), integer_specs<long>());
  all(limits<unsigned long>(), integer_specs<unsigned long>());
  all(limits<long long>(), integer_specs<long long>());
  all(limits<unsigned long long>(), integer_specs<unsigned long long>());
  all(limits<signed char>(), integer_specs<signed char>());
  all(limits<unsigned char>(), integer_specs<unsigned char>());
  all<int>({65, 97}, {"c", "5c", "<3c"});
  all<detail::Int128>({0, -1, detail::Int128{1} << 100}, {"", "d", "x", "#x", "40", "+", "*^45"});
  all<detail::UInt128>({0, ~detail::UInt128{0}}, {"", "x", "#o", "60"});
}

TEST_F(ArgumentTableTest, Bools) {
  for (const bool value : {false, true}) {
    for (const char* spec : {"", "d", "x", "#x", "s", "8", ">8", "^9", "*<7", "05d", "L"}) one(value, spec);
  }
}

TEST_F(ArgumentTableTest, Chars) {
  for (const char value : {'a', '~', ' ', '\n', '\'', '"'}) {
    for (const char* spec : {"", "c", "5", ">5", "^5c", "*<4", "d", "x", "#x", "04d", "?"}) one(value, spec);
  }
}

TEST_F(ArgumentTableTest, Floats) {
  const Specs specs = {"",    "f",    "e",   "g",    "a",   "F",     "E",    "G",      ".0f", ".1f",
                       ".3f", ".10e", ".3g", "12",   "<12", "^12",   "*>12", "012.3f", "+",   " ",
                       "#",   "#.0f", "#g",  "+.2e", "L",   "-12.4", ".0",   "+09.1f"};
  const std::vector<double> doubles = {0.0,
                                       -0.0,
                                       1.0,
                                       3.0,
                                       -3.5,
                                       0.1,
                                       1e-5,
                                       1e15,
                                       1e16,
                                       1e17,
                                       1e100,
                                       5e-324,
                                       1.7e308,
                                       1.0 / 3,
                                       123456.789,
                                       std::numeric_limits<double>::infinity(),
                                       -std::numeric_limits<double>::infinity(),
                                       std::numeric_limits<double>::quiet_NaN()};
  all(doubles, specs);
  std::vector<float> floats;
  for (const double value : doubles) floats.push_back(static_cast<float>(value));
  all(floats, specs);
  all<long double>({0.1L, -1.0L, 3.0L, 1e300L}, {"", "f", ".3f", "12.2e", "+", "*^20", "g"});
}

TEST_F(ArgumentTableTest, Strings) {
  const Specs specs = {"", "s", "10", "<10", ">10", "^10", "*^11", ".2", "10.3", ".0", "?", "\xc3\xa4>9"};
  all<std::string>({"", "a", "hello, world", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", std::string("a\0b", 3),
                    "tab\tquote\"back\\", "{}"},
                   specs);
  all<std::string_view>({"view", ""}, specs);
  all<const char*>({"pointer", ""}, {"", "s", "10", ">10", ".3"});
  same("{} {}", "literal", "other");
  const char array[8] = "ab";
  same("{:>5}", array);
}

TEST_F(ArgumentTableTest, Pointers) {
  const void* const null = nullptr;
  for (const void* value : {null, reinterpret_cast<const void*>(std::uintptr_t{0xdeadbeef}),
                            reinterpret_cast<const void*>(~std::uintptr_t{0})}) {
    for (const char* spec : {"", "p", "20", "<20", "^20p", "*>25"}) one(value, spec);
  }
  same("{}", nullptr);
}

TEST_F(ArgumentTableTest, Enums) {
  enum class Small : unsigned char { kA = 200 };
  enum class Wide : long { kA = -5 };
  for (const char* spec : {"{}", "{:x}", "{:#06x}", "{:>9}"}) {
    EXPECT_EQ(text(spec, "", Small::kA), fmt::format(fmt::runtime(spec), 200));
    EXPECT_EQ(text(spec, "", Wide::kA), fmt::format(fmt::runtime(spec), -5));
    EXPECT_EQ(text(spec, "", std::byte{9}), fmt::format(fmt::runtime(spec), 9));
  }
}

TEST_F(ArgumentTableTest, TimePoints) {
  using Clock = std::chrono::system_clock;
  for (const auto time :
       {Clock::time_point(0s), Clock::time_point(1772352842118204us), Clock::time_point(-1s)}) {
    for (const char* spec :
         {"%Y-%m-%d %H:%M:%S", "%F %T", "%j", "%a %b %e", "%H:%M", "%D", "%y%m%d", "%R", "%%"}) {
      const auto whole = std::chrono::time_point_cast<std::chrono::seconds>(time);
      one(whole, spec);
    }
  }
  one(std::chrono::time_point_cast<std::chrono::seconds>(Clock::time_point(1772352842s)), "");
}

TEST_F(ArgumentTableTest, Durations) {
  const Specs specs = {"",     "10",       "<10", ">10", "*^12", "%Q", "%q",
                       "%Q%q", "%H:%M:%S", "%T",  "%M",  "%S",   "%R"};
  all<std::chrono::seconds>({0s, 5s, 3661s, 90000s}, specs);
  all<std::chrono::milliseconds>({0ms, 1ms, 1500ms, 3723004ms}, specs);
  all<std::chrono::microseconds>({7us, 1000001us}, specs);
  all<std::chrono::nanoseconds>({1ns, 1234567890ns}, specs);
  all<std::chrono::minutes>({1min, 90min}, specs);
  all<std::chrono::hours>({1h, 30h}, specs);
  all<std::chrono::seconds>({-5s}, {"", "%Q%q", "%H:%M:%S"});
  all<std::chrono::duration<double>>({std::chrono::duration<double>(1.5), std::chrono::duration<double>(3)},
                                     {"", ".1", ".3", "10", "%Q%q", "%S"});
  all<std::chrono::duration<double, std::milli>>({std::chrono::duration<double, std::milli>(1.25)},
                                                 {"", ".1", ">12", "%Q"});
  all<std::chrono::duration<float>>({std::chrono::duration<float>(0.1F)}, {"", ".2", "%Q%q"});
  all<std::chrono::days>({std::chrono::days(3)}, {"", ">12", "%Q%q", "%H"});
  all<std::chrono::weeks>({std::chrono::weeks(3)}, {"", "%Q"});
  all<std::chrono::duration<int, std::ratio<1, 60>>>({std::chrono::duration<int, std::ratio<1, 60>>(3)},
                                                     {"", ">9"});
  all<std::chrono::duration<long, std::pico>>({std::chrono::duration<long, std::pico>(3)}, {"", "<9"});
}

TEST_F(ArgumentTableTest, BrokenDownTimes) {
  std::tm time{};
  time.tm_year = 126;
  time.tm_mon = 2;
  time.tm_mday = 1;
  time.tm_hour = 9;
  for (const char* spec : {"%Y-%m-%d", "%H:%M:%S", "%F %T", "%j"}) one(time, spec);
}

TEST_F(ArgumentTableTest, Ranges) {
  const Specs integers = {"", "n", ":x", "n:x", ":#06x", ":>4", "n:#b"};
  all<std::vector<int>>({{}, {1}, {1, -2, 3}}, integers);
  all<std::list<unsigned long>>({{1, 2}}, integers);
  all<std::deque<std::uint8_t>>({{200, 3}}, integers);
  all<std::array<int, 2>>({{4, 5}}, integers);
  all<std::vector<double>>({{1.0, 2.5, 0.1}}, {"", "n", ":.2f", "n:8.1e"});
  all<std::vector<float>>({{0.1F}}, {"", ":.3f"});
  all<std::vector<std::string>>({{}, {"a", "b\"c"}, {"\xc3\xa4"}}, {"", "n", ":", ":>4", "n:.1", ":?"});
  all<std::vector<bool>>({{true, false}}, {"", "n"});
  all<std::vector<char>>({{'a', '\n'}}, {"", "n", ":d"});
  all<std::vector<std::vector<int>>>({{}, {{1, 2}, {}, {3}}}, {"", "n", ":", ":n", "n:n", "::x", ":n:02x"});
  all<std::vector<const char*>>({{"x", "y"}}, {"", ":>3"});
  all<std::vector<std::chrono::milliseconds>>({{1ms, 2ms}}, {""});
}

TEST_F(ArgumentTableTest, SetsMapsAndTuples) {
  all<std::set<int>>({{}, {3, 1, 2}}, {"", "n", ":x", "n:#x"});
  all<std::set<std::string>>({{"a", "b"}}, {"", "n", ":>3"});
  all<std::map<std::string, int>>({{}, {{"a", 1}, {"b", 2}}}, {"", "n"});
  all<std::map<int, std::vector<std::string>>>({{{1, {"x", "y"}}}}, {"", "n"});
  all<std::unordered_map<std::string, double>>({{{"pi", 3.0}}}, {"", "n"});
  all<std::pair<int, std::string>>({{1, "one"}}, {""});
  all<std::tuple<int, char, double, std::string>>({{1, 'c', 3.0, "s"}}, {""});
  all<std::tuple<>>({{}}, {""});
  all<std::vector<std::pair<int, std::set<char>>>>({{{1, {'a', 'b'}}}}, {"", "n"});
}

TEST_F(ArgumentTableTest, DynamicWidthAndPrecision) {
  for (const int width : {0, 1, 5, 12}) {
    same("[{:{}}]", 42, width);
    same("[{:<{}}]", "text", width);
    same("[{:*^{}}]", 1.5, width);
    same("[{:#{}x}]", 255U, width);
    same("[{:{}}]", true, width);
    same("[{:.{}f}]", 3.14159, width);
    same("[{:.{}}]", "precision", width);
    same("[{:{}.{}f}]", 2.71828, width, 2);
    same("[{1:{0}}]", width, "x");
    same("[{2:{0}.{1}}]", width, 3, "abcdef");
    same("[{:{}}]", 'c', static_cast<unsigned char>(width));
    same("[{:{}}]", 1, static_cast<unsigned long>(width));
  }
}

TEST_F(ArgumentTableTest, PositionsAndBraces) {
  same("{1} {0}", "world", "hello");
  same("{0} {0} {0}", 5);
  same("{{}} {} {{{}}}", 1, 2);
  same("{0:x} {0:d} {0:#b} {1:.1f}", 42, 2.25);
  same("no fields");
  same("");
  same("{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}{}", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, "17");
  same("%d %s {}", 1);
}

}  // namespace
}  // namespace logbus::wire::test
