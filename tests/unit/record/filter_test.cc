// SPDX-License-Identifier: MIT
// Filter by name, and lists of filters.
#include <logbus/filter.h>

#include <memory>

#include <gtest/gtest.h>

namespace logbus {
namespace {

bool passes(std::string_view filter, std::string_view name) {
  LogRecord record;
  record.name = name;
  return Filter(filter).filter(record);
}

TEST(FilterTest, PassesTheLoggerAndItsChildren) {
  EXPECT_TRUE(passes("A.B", "A.B"));
  EXPECT_TRUE(passes("A.B", "A.B.C"));
  EXPECT_TRUE(passes("A.B", "A.B."));
}

TEST(FilterTest, RefusesParentsSiblingsAndLookalikes) {
  EXPECT_FALSE(passes("A.B", "A.BB"));
  EXPECT_FALSE(passes("A.B", "A"));
  EXPECT_FALSE(passes("A.B", "B.A.B"));
  EXPECT_FALSE(passes("A.B", ""));
}

TEST(FilterTest, EmptyNamePassesAll) {
  EXPECT_TRUE(passes("", "anything"));
}

class Stamp : public Filter {
 public:
  bool filter(LogRecord& record) const override {
    record.extra.emplace_back("stamp", true);
    return true;
  }
};

TEST(FiltererTest, FirstRefusalEndsTheList) {
  Filterer filterer;
  filterer.add_filter(std::make_shared<Filter>("other"));
  filterer.add_filter(std::make_shared<Stamp>());
  LogRecord record;
  EXPECT_FALSE(filterer.filter(record));
  EXPECT_TRUE(record.extra.empty());
}

TEST(FiltererTest, FilterMayChangeTheRecord) {
  Filterer filterer;
  filterer.add_filter(std::make_shared<Stamp>());
  LogRecord record;
  EXPECT_TRUE(filterer.filter(record));
  EXPECT_EQ(record.extra.size(), 1U);
}

TEST(FiltererTest, SameFilterIsHeldOnceAndCanBeRemoved) {
  Filterer filterer;
  const auto refuse = std::make_shared<Filter>("other");
  filterer.add_filter(refuse);
  filterer.add_filter(refuse);
  filterer.remove_filter(refuse);
  EXPECT_FALSE(filterer.has_filters());
}

}  // namespace
}  // namespace logbus
