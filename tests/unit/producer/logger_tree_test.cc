// SPDX-License-Identifier: MIT
// The logger hierarchy against Python's rules.
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <logbus/handler.h>
#include <logbus/logger.h>
#include <logbus/queue_handler.h>

#include "test_bus.h"

namespace logbus {
namespace {

using testing::TestBus;

/// Keeps what it is given.
class ListHandler : public Handler {
 public:
  std::vector<LogRecord> records;

 protected:
  void emit(const LogRecord& record) override { records.push_back(record); }
};

class OnlyEven : public Filter {
 public:
  bool filter(LogRecord& record) const override {
    const auto* args = record.args.get_if<List>();
    record.extra.emplace_back("seen", true);
    return args != nullptr && !args->empty() && *args->front().get_if<std::int64_t>() % 2 == 0;
  }
};

/// The root as Python has it at start, without handlers.
class LoggerTreeTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const auto& handler : get_logger().handlers()) get_logger().remove_handler(handler);
    get_logger().set_level(Level::kWarning);
  }
  void TearDown() override { SetUp(); }
};

TEST_F(LoggerTreeTest, NamesAreUniqueAndRootIsRoot) {
  EXPECT_EQ(&get_logger("tree.a"), &get_logger("tree.a"));
  EXPECT_NE(&get_logger("tree.a"), &get_logger("tree.b"));
  EXPECT_EQ(&get_logger(""), &get_logger());
  EXPECT_EQ(&get_logger("root"), &get_logger());
  EXPECT_EQ(get_logger().name(), "root");
  EXPECT_EQ(get_logger("tree.a").name(), "tree.a");
}

TEST_F(LoggerTreeTest, ParentIsTheNearestThatExists) {
  Logger& leaf = get_logger("par.a.b.c");
  EXPECT_EQ(leaf.parent(), &get_logger());
  Logger& top = get_logger("par");
  EXPECT_EQ(leaf.parent(), &top);
  Logger& middle = get_logger("par.a.b");
  EXPECT_EQ(leaf.parent(), &middle);
  EXPECT_EQ(middle.parent(), &top);
  EXPECT_EQ(get_logger("par.a").parent(), &top);
  EXPECT_EQ(middle.parent(), &get_logger("par.a"));
  EXPECT_EQ(leaf.parent(), &middle);
  EXPECT_EQ(get_logger("par.ab").parent(), &top);
  EXPECT_EQ(get_logger().parent(), nullptr);
}

TEST_F(LoggerTreeTest, ChildAppendsItsName) {
  EXPECT_EQ(&get_logger("kid").get_child("a.b"), &get_logger("kid.a.b"));
  EXPECT_EQ(&get_logger().get_child("kid"), &get_logger("kid"));
}

TEST_F(LoggerTreeTest, LevelIsInherited) {
  Logger& parent = get_logger("lev");
  Logger& child = get_logger("lev.a.b");
  EXPECT_EQ(child.get_effective_level(), Level::kWarning);
  EXPECT_FALSE(child.is_enabled_for(Level::kInfo));
  EXPECT_TRUE(child.is_enabled_for(Level::kWarning));
  parent.set_level(Level::kDebug);
  EXPECT_EQ(child.get_effective_level(), Level::kDebug);
  EXPECT_EQ(child.level(), Level::kNotSet);
  EXPECT_TRUE(child.is_enabled_for(Level::kDebug));
  EXPECT_FALSE(child.is_enabled_for(Level{9}));
  child.set_level(Level::kError);
  EXPECT_FALSE(child.is_enabled_for(Level::kWarning));
  EXPECT_TRUE(parent.is_enabled_for(Level::kDebug));
  Logger& between = get_logger("lev.a");
  EXPECT_EQ(between.get_effective_level(), Level::kDebug);
  child.set_level(Level::kNotSet);
  EXPECT_EQ(child.get_effective_level(), Level::kDebug);
}

TEST_F(LoggerTreeTest, RootWithoutLevelPassesEverything) {
  get_logger().set_level(Level::kNotSet);
  EXPECT_TRUE(get_logger("everything").is_enabled_for(Level{1}));
  EXPECT_TRUE(get_logger("everything").is_enabled_for(Level{-5}) == false);
}

TEST_F(LoggerTreeTest, DisableHoldsForAllLoggers) {
  Logger& logger = get_logger("dis");
  logger.set_level(Level::kDebug);
  disable(Level::kWarning);
  EXPECT_FALSE(logger.is_enabled_for(Level::kWarning));
  EXPECT_TRUE(logger.is_enabled_for(Level{31}));
  disable(Level::kNotSet);
  EXPECT_TRUE(logger.is_enabled_for(Level::kDebug));
  logger.set_level(Level::kNotSet);
}

TEST_F(LoggerTreeTest, HandlersOfParentsGetTheRecordWhateverTheParentsLevel) {
  auto at_root = std::make_shared<ListHandler>();
  auto at_child = std::make_shared<ListHandler>();
  Logger& child = get_logger("prop.child");
  get_logger().add_handler(at_root);
  child.add_handler(at_child);
  child.set_level(Level::kDebug);
  child.info("one {}", 1);
  EXPECT_EQ(at_root->records.size(), 1U);  // the root is at WARNING, but only the child's level counts
  EXPECT_EQ(at_child->records.size(), 1U);
  child.set_propagate(false);
  child.info("two");
  EXPECT_EQ(at_root->records.size(), 1U);
  EXPECT_EQ(at_child->records.size(), 2U);
  child.set_propagate(true);
  at_root->set_level(Level::kError);
  child.info("three");
  EXPECT_EQ(at_root->records.size(), 1U);
  child.error("four");
  EXPECT_EQ(at_root->records.size(), 2U);
  child.remove_handler(at_child);
  child.error("five");
  EXPECT_EQ(at_child->records.size(), 4U);
}

TEST_F(LoggerTreeTest, HandlerAddedTwiceIsThereOnce) {
  auto handler = std::make_shared<ListHandler>();
  get_logger("twice").add_handler(handler);
  get_logger("twice").add_handler(handler);
  get_logger("twice").error("x");
  EXPECT_EQ(handler->records.size(), 1U);
  get_logger("twice").remove_handler(handler);
}

TEST_F(LoggerTreeTest, SameHandlerAtTwoLoggersGetsTheRecordTwice) {
  auto handler = std::make_shared<ListHandler>();
  get_logger("dup").add_handler(handler);
  get_logger("dup.a").add_handler(handler);
  get_logger("dup.a").error("x");
  EXPECT_EQ(handler->records.size(), 2U);
  get_logger("dup").remove_handler(handler);
  get_logger("dup.a").remove_handler(handler);
}

TEST_F(LoggerTreeTest, RecordHasPythonsAttributes) {
  auto handler = std::make_shared<ListHandler>();
  get_logger("attr").add_handler(handler);
  set_thread_name("tester");
  get_logger("attr").warning("hello {}", "you", kv("a", 1));
  get_logger("attr").remove_handler(handler);
  ASSERT_EQ(handler->records.size(), 1U);
  const LogRecord& record = handler->records[0];
  EXPECT_EQ(record.get_message(), "hello you");
  EXPECT_EQ(record.filename(), "logger_tree_test.cc");
  EXPECT_EQ(record.process, ::getpid());
  EXPECT_EQ(record.thread, static_cast<std::uint64_t>(::gettid()));
  EXPECT_EQ(record.thread_name, "tester");
  EXPECT_EQ(record.process_name, std::filesystem::read_symlink("/proc/self/exe").filename().string());
  EXPECT_GT(record.created_ns, 1'600'000'000'000'000'000);
  EXPECT_EQ(record.extra, (Fields{{"a", Value(1)}}));
}

TEST_F(LoggerTreeTest, FilterOfALoggerSeesItsOwnRecordsOnlyAndMayChangeThem) {
  auto handler = std::make_shared<ListHandler>();
  auto filter = std::make_shared<OnlyEven>();
  Logger& parent = get_logger("filt");
  Logger& child = get_logger("filt.child");
  parent.add_handler(handler);
  parent.add_filter(filter);
  for (int i = 0; i < 4; ++i) parent.error("{}", i);
  ASSERT_EQ(handler->records.size(), 2U);
  EXPECT_EQ(handler->records[1].extra.size(), 1U);
  child.error("{}", 1);
  EXPECT_EQ(handler->records.size(), 3U);
  parent.remove_filter(filter);
  parent.error("{}", 1);
  EXPECT_EQ(handler->records.size(), 4U);
  parent.remove_handler(handler);
}

TEST_F(LoggerTreeTest, LastResortWritesWarningsToStderr) {
  ::testing::internal::CaptureStderr();
  get_logger("resort").info("not this");
  get_logger("resort").warning("but {}", "this");
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "but this\n");
}

TEST_F(LoggerTreeTest, HandlerThatLogsToItselfComesToAnEnd) {
  class Echo : public Handler {
   public:
    int count = 0;

   protected:
    void emit(const LogRecord&) override {
      ++count;
      get_logger("echo").error("again");
    }
  };
  auto handler = std::make_shared<Echo>();
  get_logger("echo").set_propagate(false);
  get_logger("echo").add_handler(handler);
  get_logger("echo").error("once");
  get_logger("echo").remove_handler(handler);
  EXPECT_GT(handler->count, 1);
  EXPECT_LT(handler->count, 100);
}

TEST_F(LoggerTreeTest, OtherHandlersAndTheBusBothGetTheRecord) {
  TestBus bus;
  auto handler = std::make_shared<ListHandler>();
  Logger& logger = get_logger("both");
  logger.add_handler(handler);
  logger.info("x {}", 1, kv("k", 2));
  logger.remove_handler(handler);
  logger.info("y {}", 2);
  EXPECT_EQ(handler->records.size(), 1U);
  const auto frames = bus.frames();
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(frames[0].kind, detail::FrameKind::kInline);
  EXPECT_EQ(frames[0].record.get_message(), "x 1");
  EXPECT_EQ(frames[0].record.name, "both");
  EXPECT_EQ(frames[0].record.lineno > 0, true);
  EXPECT_EQ(frames[0].record.extra, (Fields{{"k", Value(2)}}));
  EXPECT_EQ(frames[1].kind, detail::FrameKind::kRecord);
}

TEST_F(LoggerTreeTest, FilterOnTheWayToTheBusIsAsked) {
  TestBus bus;
  auto filter = std::make_shared<OnlyEven>();
  Logger& logger = get_logger("filtered_bus");
  logger.add_filter(filter);
  for (int i = 0; i < 4; ++i) logger.info("{}", i);
  logger.remove_filter(filter);
  EXPECT_EQ(bus.messages(), (std::vector<std::string>{"0", "2"}));
}

TEST_F(LoggerTreeTest, LevelOfTheBusHandlerCounts) {
  TestBus bus;
  const auto handlers = get_logger().handlers();
  ASSERT_EQ(handlers.size(), 1U);
  EXPECT_EQ(handlers[0]->class_name(), "QueueHandler");
  handlers[0]->set_level(Level::kError);
  get_logger("level").info("not this");
  get_logger("level").error("this");
  EXPECT_EQ(bus.messages(), std::vector<std::string>{"this"});
}

TEST_F(LoggerTreeTest, UsersQueueTakesRecords) {
  class ListQueue : public Queue {
   public:
    std::vector<LogRecord> records;
    bool put_nowait(const LogRecord& record) override {
      records.push_back(record);
      return true;
    }
    bool get(LogRecord&, std::chrono::milliseconds) override { return false; }
  };
  auto queue = std::make_shared<ListQueue>();
  auto handler = std::make_shared<QueueHandler>(queue);
  get_logger("queue").add_handler(handler);
  get_logger("queue").error("x {}", 1);
  get_logger("queue").remove_handler(handler);
  ASSERT_EQ(queue->records.size(), 1U);
  EXPECT_EQ(queue->records[0].get_message(), "x 1");
}

}  // namespace
}  // namespace logbus
