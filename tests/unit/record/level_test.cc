// SPDX-License-Identifier: MIT
// Levels and their names.
#include <logbus/level.h>

#include <gtest/gtest.h>

namespace logbus {
namespace {

TEST(LevelTest, NamesPythonsLevels) {
  EXPECT_EQ(get_level_name(Level::kNotSet), "NOTSET");
  EXPECT_EQ(get_level_name(Level::kDebug), "DEBUG");
  EXPECT_EQ(get_level_name(Level::kInfo), "INFO");
  EXPECT_EQ(get_level_name(Level::kWarning), "WARNING");
  EXPECT_EQ(get_level_name(Level::kError), "ERROR");
  EXPECT_EQ(get_level_name(Level::kCritical), "CRITICAL");
}

TEST(LevelTest, NamesAnUnknownNumberByItself) {
  EXPECT_EQ(get_level_name(Level{25}), "Level 25");
}

TEST(LevelTest, KnowsTheAliases) {
  EXPECT_EQ(level_from_name("WARN"), Level::kWarning);
  EXPECT_EQ(level_from_name("FATAL"), Level::kCritical);
}

TEST(LevelTest, WantsTheExactName) {
  EXPECT_EQ(level_from_name("debug"), std::nullopt);
  EXPECT_EQ(level_from_name("10"), std::nullopt);
  EXPECT_EQ(level_from_name(""), std::nullopt);
}

TEST(LevelTest, AddedNameWorksBothWays) {
  add_level_name(Level{15}, "TRACE");
  EXPECT_EQ(get_level_name(Level{15}), "TRACE");
  EXPECT_EQ(level_from_name("TRACE"), Level{15});
}

}  // namespace
}  // namespace logbus
