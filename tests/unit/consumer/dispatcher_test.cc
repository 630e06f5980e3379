// SPDX-License-Identifier: MIT
// The logger tree: levels, propagation, filters, last resort.
#include "dispatcher.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace logbus::consumer {
namespace {

/// Keeps "name:level" of what it is given.
class ListHandler : public Handler {
 public:
  explicit ListHandler(Level level = Level::kNotSet) { set_level(level); }
  std::vector<std::string> seen;

 protected:
  void emit(const LogRecord& record) override {
    seen.push_back((record.name.empty() ? "root" : record.name) + ":" + std::to_string(record.levelno));
  }
};

using List = std::vector<std::string>;

LogRecord record_of(std::string name, int level) {
  LogRecord record;
  record.name = std::move(name);
  record.levelno = level;
  return record;
}

void give(Dispatcher& tree, const std::string& name, int level) {
  LogRecord record = record_of(name, level);
  tree.handle(record);
}

TEST(DispatcherTest, NearestLevelUpTheTreeDecides) {
  const auto list = std::make_shared<ListHandler>();
  Dispatcher tree({{.name = "", .level = Level::kWarning, .handlers = {list}, .filters = {}},
                   {.name = "a", .level = Level::kInfo, .handlers = {}, .filters = {}},
                   {.name = "a.b", .handlers = {}, .filters = {}},
                   {.name = "a.b.c", .level = Level::kDebug, .handlers = {}, .filters = {}}},
                  nullptr);
  const std::pair<const char*, int> table[] = {{"x", 30},     {"a", 20},       {"a.b", 20}, {"a.b.x", 20},
                                               {"a.b.c", 10}, {"a.b.c.d", 10}, {"ab", 30},  {"a.bc", 20},
                                               {"root", 30},  {"", 30}};
  for (const auto& [name, lowest] : table) {
    list->seen.clear();
    give(tree, name, lowest - 1);
    EXPECT_EQ(list->seen, List{}) << name;
    give(tree, name, lowest);
    EXPECT_EQ(list->seen.size(), 1U) << name;
  }
}

TEST(DispatcherTest, RootIsAtWarningUnlessSet) {
  const auto list = std::make_shared<ListHandler>();
  Dispatcher tree({{.name = "a", .handlers = {list}, .filters = {}}}, nullptr);
  give(tree, "a", 29);
  give(tree, "a", 30);
  EXPECT_EQ(list->seen, List{"a:30"});
}

TEST(DispatcherTest, RootAtNotsetLetsThroughWhatIsAboveIt) {
  const auto list = std::make_shared<ListHandler>();
  Dispatcher tree({{.name = "root", .level = Level::kNotSet, .handlers = {list}, .filters = {}}}, nullptr);
  for (const int level : {-1, 0, 1}) give(tree, "a", level);
  EXPECT_EQ(list->seen, List{"a:1"});
}

TEST(DispatcherTest, OwnHandlersComeBeforeTheParents) {
  class Named : public Handler {
   public:
    Named(List& order, std::string name) : order_(order), name_(std::move(name)) {}

   protected:
    void emit(const LogRecord&) override { order_.push_back(name_); }

   private:
    List& order_;
    std::string name_;
  };
  List order;
  const auto make = [&order](const char* name) { return std::make_shared<Named>(order, name); };
  Dispatcher tree({{.name = "", .handlers = {make("root1"), make("root2")}, .filters = {}},
                   {.name = "a.b", .handlers = {make("b1"), make("b2")}, .filters = {}},
                   {.name = "a", .handlers = {make("a1")}, .filters = {}}},
                  nullptr);
  give(tree, "a.b.c", 50);
  EXPECT_EQ(order, (List{"b1", "b2", "a1", "root1", "root2"}));
}

TEST(DispatcherTest, PropagateFalseStopsTheWalkUpAndNotTheLevel) {
  const auto top = std::make_shared<ListHandler>();
  const auto own = std::make_shared<ListHandler>();
  Dispatcher tree({{.name = "", .level = Level::kError, .handlers = {top}, .filters = {}},
                   {.name = "a", .propagate = false, .handlers = {own}, .filters = {}}},
                  nullptr);
  give(tree, "a.b", 30);  // the root's level holds for it all the same
  give(tree, "a.b", 40);
  EXPECT_EQ(own->seen, List{"a.b:40"});
  EXPECT_EQ(top->seen, List{});
}

TEST(DispatcherTest, AHandlerAtTwoLevelsGetsTheRecordTwice) {
  const auto list = std::make_shared<ListHandler>();
  Dispatcher tree(
      {{.name = "", .handlers = {list}, .filters = {}}, {.name = "a", .handlers = {list}, .filters = {}}},
      nullptr);
  give(tree, "a", 30);
  EXPECT_EQ(list->seen, (List{"a:30", "a:30"}));
}

TEST(DispatcherTest, HandlerLevelIsAskedForEachRecord) {
  const auto list = std::make_shared<ListHandler>(Level::kError);
  Dispatcher tree({{.name = "", .level = Level::kDebug, .handlers = {list}, .filters = {}}}, nullptr);
  give(tree, "a", 39);
  give(tree, "a", 40);
  list->set_level(Level::kDebug);
  give(tree, "a", 39);
  EXPECT_EQ(list->seen, (List{"a:40", "a:39"}));
}

TEST(DispatcherTest, ALevelOnTheLoggerDoesNotHoldBackTheChildrensRecords) {
  const auto list = std::make_shared<ListHandler>();
  Dispatcher tree({{.name = "", .level = Level::kCritical, .handlers = {list}, .filters = {}},
                   {.name = "a", .level = Level::kDebug, .handlers = {}, .filters = {}}},
                  nullptr);
  give(tree, "a", 10);  // enabled by its own level; ancestors' levels aren't asked again
  EXPECT_EQ(list->seen, List{"a:10"});
}

TEST(DispatcherTest, AFilterHoldsForItsLoggerOnly) {
  const auto list = std::make_shared<ListHandler>();
  const auto nothing = std::make_shared<const Filter>("elsewhere");
  Dispatcher tree({{.name = "", .handlers = {list}, .filters = {nothing}},
                   {.name = "a", .handlers = {}, .filters = {nothing}}},
                  nullptr);
  give(tree, "root", 30);
  give(tree, "a", 30);
  give(tree, "a.b", 30);
  give(tree, "c", 30);
  EXPECT_EQ(list->seen, (List{"a.b:30", "c:30"}));
}

TEST(DispatcherTest, LastResortGetsWhatFindsNoHandlerAtAll) {
  const auto last = std::make_shared<ListHandler>(Level::kWarning);
  const auto own = std::make_shared<ListHandler>(Level::kCritical);
  Dispatcher tree({{.name = "", .level = Level::kDebug, .handlers = {}, .filters = {}},
                   {.name = "a", .handlers = {own}, .filters = {}},
                   {.name = "b", .propagate = false, .handlers = {}, .filters = {}}},
                  last);
  give(tree, "a", 30);  // its handler doesn't want it, but there is one
  give(tree, "x", 20);
  give(tree, "x", 30);
  give(tree, "b", 40);
  EXPECT_EQ(last->seen, (List{"x:30", "b:40"}));
  EXPECT_EQ(own->seen, List{});
}

TEST(DispatcherTest, CutsOddNamesAsPythonDoes) {
  // Observed with CPython: the logger whose handlers each name reaches.
  const std::pair<const char*, const char*> table[] = {{"a", "a"},    {"a.", "a."},  {"a..b", "a."},
                                                       {".a", ""},    {"..a", ""},   {"a...b", "a"},
                                                       {"a.b.", "a"}, {"root.x", ""}};
  for (const auto& [name, expected] : table) {
    const auto top = std::make_shared<ListHandler>(), a = std::make_shared<ListHandler>(),
               a_dot = std::make_shared<ListHandler>();
    Dispatcher tree({{.name = "", .handlers = {top}, .filters = {}},
                     {.name = "a", .propagate = false, .handlers = {a}, .filters = {}},
                     {.name = "a.", .propagate = false, .handlers = {a_dot}, .filters = {}}},
                    nullptr);
    give(tree, name, 30);
    const std::string reached = !a->seen.empty() ? "a" : !a_dot->seen.empty() ? "a." : "";
    EXPECT_EQ(reached, expected) << name;
  }
}

TEST(DispatcherTest, ManyNamesDoNotGrowItWithoutBound) {
  const auto list = std::make_shared<ListHandler>();
  Dispatcher tree({{.name = "", .level = Level::kError, .handlers = {list}, .filters = {}}}, nullptr);
  for (int i = 0; i < 200'000; ++i) give(tree, "request." + std::to_string(i), 30);
  give(tree, "request.1", 40);
  EXPECT_EQ(list->seen, List{"request.1:40"});
}

}  // namespace
}  // namespace logbus::consumer
