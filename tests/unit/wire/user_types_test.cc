// SPDX-License-Identifier: MIT
// Types that users teach to be logged, and what happens when their code throws or logs itself.
#include <logbus/fmt.h>
#include <logbus/msgpack.h>
#include <logbus/ostream.h>

#include <complex>
#include <memory>
#include <ostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "payload.h"

namespace logbus::wire::test {
namespace {

using namespace std::string_literals;

struct Point {
  int x;
  double y;
  MSGPACK_DEFINE(x, y)
};
struct Named {
  std::vector<float> values;
  MSGPACK_DEFINE_MAP(values)
};
struct Celsius {
  double degrees;
};
struct Streamed {};
[[maybe_unused]] std::ostream& operator<<(std::ostream& out, const Streamed&) {
  return out << 1234567;
}

struct Thrower {
  int what;
};
[[maybe_unused]] int logbus_value(const Thrower& thrower) {
  if (thrower.what == 0) throw std::runtime_error("no value");
  if (thrower.what == 1) throw 42;
  return thrower.what;
}

/// Logs while it is being logged.
struct Nested {
  detail::Scratch* scratch;
};
[[maybe_unused]] std::string logbus_value(const Nested& nested) {
  const std::uint32_t mark = nested.scratch->size();
  for (int i = 0; i < 100; ++i) (void)detail::prepare(std::vector<int>(100, i), {}, *nested.scratch);
  nested.scratch->rewind(mark);
  return "inner";
}

std::string text(const std::string& content) {
  std::string out(detail::kExtHeaderSize, '\0');
  detail::put_ext_header(out.data(), detail::kExtText, static_cast<std::uint32_t>(content.size()));
  return out + content;
}

}  // namespace
}  // namespace logbus::wire::test

template <>
struct fmt::formatter<logbus::wire::test::Celsius> : fmt::formatter<double> {
  template <class Context>
  auto format(const logbus::wire::test::Celsius& celsius, Context& context) const {
    if (celsius.degrees < -273.15) throw fmt::format_error("too cold");
    return fmt::format_to(fmt::formatter<double>::format(celsius.degrees, context), " C");
  }
};

namespace logbus::wire::test {
namespace {

TEST(UserTypesTest, PacksMsgpackDefineTypesWithFloatsAsFloats) {
  EXPECT_EQ(hex(encode(Point{1, 3.0})), "92 01 cb 40 08 00 00 00 00 00 00");
  EXPECT_EQ(hex(encode(Named{{3.0F}})), "81 a6 76 61 6c 75 65 73 91 ca 40 40 00 00");
}

TEST(UserTypesTest, FormatsByFmtFormatterWithTheFieldsSpec) {
  EXPECT_EQ(encode(Celsius{21.5}), text("21.5 C"));
  EXPECT_EQ(encode(Celsius{21.5}, ".2f"), text("21.50 C"));
}

TEST(UserTypesTest, StreamsInTheClassicLocaleAndAligns) {
  EXPECT_EQ(encode(Streamed{}), text("1234567"));
  EXPECT_EQ(encode(Streamed{}, ">9"), text("  1234567"));
  EXPECT_EQ(encode(std::complex<double>(1, 2)), text("(1,2)"));
}

TEST(UserTypesTest, RefusesTypesWhoseStreamPrintsSomethingElse) {
  EXPECT_FALSE(detail::is_loggable_v<std::unique_ptr<int>>);
  EXPECT_FALSE(detail::is_loggable_v<std::shared_ptr<int>>);
  const auto lambda = [] {};
  EXPECT_FALSE(detail::is_loggable_v<decltype(lambda)>);
}

TEST(UserTypesTest, TurnsWhatUserCodeThrowsIntoText) {
  EXPECT_EQ(encode(Thrower{0}), text("<argument threw: no value>"));
  EXPECT_EQ(encode(Thrower{1}), text("<argument threw: an object that is no std::exception>"));
  EXPECT_EQ(encode(std::vector{Thrower{5}, Thrower{0}}), text("<argument threw: no value>"));
  EXPECT_EQ(encode(Celsius{-300}), text("<argument threw: too cold>"));
  EXPECT_EQ(encode(Thrower{7}), encode(7));
}

TEST(UserTypesTest, TurnsAWrongSpecIntoText) {
  EXPECT_EQ(encode(1.5L, "d"), text("<argument threw: invalid type specifier>"));
}

TEST(UserTypesTest, KeepsAnArgumentWholeWhoseCodeLogs) {
  OwnedScratch scratch;
  const auto before = detail::prepare(std::string("x"), {}, scratch);
  const auto prepared = detail::prepare(std::vector(3, Nested{&scratch}), {}, scratch);
  std::string bytes(wire_size(prepared), '\0');
  write(bytes.data(), prepared, scratch);
  EXPECT_EQ(bytes, encode(std::vector<std::string>(3, "inner")));
  EXPECT_EQ(before.size, 1U);
}

}  // namespace
}  // namespace logbus::wire::test
