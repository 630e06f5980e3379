// SPDX-License-Identifier: MIT
// Doubles, against fmt itself.
#include "record/float_text.h"

#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace logbus::record {
namespace {

std::string shortest(double value) {
  char text[kLongestShortest];
  return {text, write_shortest(value, text)};
}

void expect_same(double value) {
  const std::string expected = fmt::format("{}", value);
  ASSERT_EQ(shortest(value), expected) << fmt::format("{:a}", value);
  ASSERT_LE(expected.size(), kLongestShortest);
}

TEST(WriteShortest, SpecialValues) {
  using Limits = std::numeric_limits<double>;
  for (const double value : {0.0,
                             1.0,
                             0.5,
                             0.1,
                             0.25,
                             0.3,
                             0.001,
                             0.0005,
                             0.0001,
                             0.9995,
                             1.005,
                             100.0,
                             999999999999.999,
                             999999999999.9995,
                             1e12,
                             1e15,
                             1e16,
                             123456789012345.67,
                             Limits::max(),
                             Limits::min(),
                             Limits::denorm_min(),
                             Limits::epsilon(),
                             Limits::infinity(),
                             Limits::quiet_NaN()}) {
    expect_same(value);
    expect_same(-value);
    expect_same(std::nextafter(value, 0.0));
    expect_same(std::nextafter(value, Limits::infinity()));
  }
}

TEST(WriteShortest, FewDecimalsAndTheirNeighbours) {
  std::mt19937_64 random(1);  // NOLINT: the same numbers each time
  for (int i = 0; i < 300'000; ++i) {
    const int digits = 1 + static_cast<int>(random() % 17);
    const auto whole = static_cast<double>(random() % static_cast<std::uint64_t>(std::pow(10.0, digits)));
    const double value = whole / std::pow(10.0, static_cast<double>(random() % 6));
    expect_same(value);
    expect_same(std::nextafter(value, 0.0));
    expect_same(-std::nextafter(value, 1e300));
  }
}

TEST(WriteShortest, AnyBits) {
  std::mt19937_64 random(2);  // NOLINT
  for (int i = 0; i < 300'000; ++i) expect_same(std::bit_cast<double>(random()));
}

}  // namespace
}  // namespace logbus::record
