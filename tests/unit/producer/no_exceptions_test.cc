// SPDX-License-Identifier: MIT
// Programs that are compiled without exceptions and RTTI log like others.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "test_bus.h"

void log_without_exceptions();

namespace logbus {
namespace {

TEST(NoExceptionsTest, LogsLikeOthers) {
  testing::TestBus bus;
  log_without_exceptions();
  EXPECT_EQ(bus.messages(), (std::vector<std::string>{"1 two", "5", "2.2"}));
  EXPECT_EQ(testing::field_names(bus.records()[1]), (std::vector<std::string>{"request", "four"}));
}

}  // namespace
}  // namespace logbus
