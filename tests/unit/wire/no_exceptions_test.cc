// SPDX-License-Identifier: MIT
// The encoder in a program that is compiled without exceptions and without RTTI.
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "payload.h"

std::string encoded_without_exceptions();

namespace logbus::wire::test {
namespace {

TEST(NoExceptionsTest, GivesTheSameBytes) {
  const std::vector<std::map<std::string, long double>> nested = {{{"a", 1.5L}}};
  EXPECT_EQ(hex(encoded_without_exceptions()), hex(encode(nested)));
}

}  // namespace
}  // namespace logbus::wire::test
