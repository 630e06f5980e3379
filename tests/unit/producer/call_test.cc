// SPDX-License-Identifier: MIT
// What a logging call puts on the bus.
#include <gtest/gtest.h>

#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <logbus/logger.h>
#include <logbus/ostream.h>

#include "test_bus.h"

namespace logbus {
namespace {

using testing::field;
using testing::field_names;
using testing::TestBus;

struct Money {
  int cents;
};
std::ostream& operator<<(std::ostream& out, const Money& money) {
  return out << money.cents << " ct";
}

struct Thrower {};
int logbus_value(const Thrower&) {
  throw std::runtime_error("no value today");
}

TEST(CallTest, CarriesTheSiteAndItsArguments) {
  TestBus bus;
  ASSERT_TRUE(bus.attached);
  get_logger("orders.api").info("a={} b={} c={}", 1, -2, 2.5);
  const int line = __LINE__ - 1;
  const LogRecord record = bus.record();
  EXPECT_EQ(record.get_message(), "a=1 b=-2 c=2.5");
  EXPECT_EQ(record.name, "orders.api");
  EXPECT_EQ(record.levelno, 20);
  EXPECT_EQ(record.levelname, "INFO");
  EXPECT_EQ(record.lineno, line);
  EXPECT_EQ(record.func_name, "TestBody");
  EXPECT_TRUE(record.pathname.ends_with("call_test.cc")) << record.pathname;
  EXPECT_EQ(record.style, MessageStyle::kBrace);
  EXPECT_TRUE(record.extra.empty());
}

TEST(CallTest, HasAMethodForEachLevel) {
  TestBus bus;
  Logger& logger = get_logger("levels");
  logger.debug("x");
  logger.info("x");
  logger.warning("x");
  logger.error("x");
  logger.critical("x");
  logger.log(Level{25}, "x");
  std::vector<std::string> names;
  for (const LogRecord& record : bus.records()) names.push_back(record.levelname);
  EXPECT_EQ(names, (std::vector<std::string>{"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL", "Level 25"}));
}

TEST(CallTest, InternsASiteOnce) {
  TestBus bus;
  for (int i = 0; i < 1000; ++i) get_logger("interned").info("number {}", i);
  EXPECT_EQ(bus.records().size(), 1000U);
  EXPECT_EQ(bus.open().shared().sites_used.load(), 1U);
}

TEST(CallTest, SeparatesSitesOfOnePlaceByLoggerAndLevel) {
  TestBus bus;
  for (const char* name : {"one", "two"}) {
    for (const int level : {20, 30}) get_logger(name).log(Level{level}, "x");
  }
  const auto records = bus.records();
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[0].name + records[0].levelname, "oneINFO");
  EXPECT_EQ(records[1].name + records[1].levelname, "oneWARNING");
  EXPECT_EQ(records[2].name + records[2].levelname, "twoINFO");
  EXPECT_EQ(records[3].name + records[3].levelname, "twoWARNING");
}

TEST(CallTest, FindsManySitesAgain) {
  TestBus bus;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 500; ++i) get_logger("many." + std::to_string(i)).info("{}", i);
  }
  const auto records = bus.records();
  ASSERT_EQ(records.size(), 1000U);
  for (std::size_t i = 0; i < records.size(); ++i) {
    EXPECT_EQ(records[i].name, "many." + std::to_string(i % 500));
    EXPECT_EQ(records[i].get_message(), std::to_string(i % 500));
  }
  EXPECT_EQ(bus.open().shared().sites_used.load(), 500U);
}

TEST(CallTest, DoesNotEvaluateArgumentsOfADisabledMacro) {
  TestBus bus(Level::kInfo);
  Logger& logger = get_logger("macro");
  int evaluated = 0;
  LOGBUS_DEBUG(logger, "{}", ++evaluated);
  EXPECT_EQ(evaluated, 0);
  LOGBUS_INFO(logger, "{}", ++evaluated);
  EXPECT_EQ(evaluated, 1);
  EXPECT_EQ(bus.messages(), std::vector<std::string>{"1"});
}

TEST(CallTest, TakesFieldsAtAnyPositionAndKeepsTheirOrder) {
  TestBus bus;
  const std::string key = "made";
  get_logger("fields").warning("slow {} {}", kv("ms", 183.5), "query", kv("sql_id", 42), 7,
                               kv(key, "at run time"));
  const LogRecord record = bus.record();
  EXPECT_EQ(record.get_message(), "slow query 7");
  EXPECT_EQ(field_names(record), (std::vector<std::string>{"ms", "sql_id", "made"}));
  EXPECT_EQ(*field(record, "ms"), Value(183.5));
  EXPECT_EQ(*field(record, "sql_id"), Value(42));
  EXPECT_EQ(*field(record, "made"), Value("at run time"));
}

TEST(CallTest, ShowsAFieldWhereTheFormatNamesIt) {
  TestBus bus;
  get_logger("named").info("{} took {ms:.1f} ms, {{{id}}}", "it", kv("id", 3), kv("ms", 183.25));
  const LogRecord record = bus.record();
  EXPECT_EQ(record.get_message(), "it took 183.2 ms, {3}");
}

TEST(CallTest, EscapesARunTimeKeyThatALogRecordHas) {
  TestBus bus;
  for (const std::string name : {"levelname", "name", "message", ""})
    get_logger("escaped").info("x", kv(name, 1));
  std::vector<std::string> keys;
  for (const LogRecord& record : bus.records()) keys.push_back(field_names(record).at(0));
  EXPECT_EQ(keys, (std::vector<std::string>{"_levelname", "_name", "_message", "_"}));
}

TEST(CallTest, MakesALazyArgumentOnceAndOnlyIfEnabled) {
  TestBus bus(Level::kInfo);
  int made = 0;
  const auto make = [&made] { return "made " + std::to_string(++made); };
  get_logger("lazy").debug("{}", lazy(make));
  EXPECT_EQ(made, 0);
  get_logger("lazy").info("{} {:.2f}", lazy(make), lazy([] { return 0.125; }),
                          kv("field", lazy([] { return 5; })));
  EXPECT_EQ(made, 1);
  const LogRecord record = bus.record();
  EXPECT_EQ(record.get_message(), "made 1 0.12");
  EXPECT_EQ(*field(record, "field"), Value(5));
}

TEST(CallTest, SurvivesArgumentsThatThrow) {
  TestBus bus;
  get_logger("throws").info("{} {} {}", lazy([]() -> int { throw std::runtime_error("boom"); }), 2,
                            Thrower{});
  EXPECT_EQ(bus.messages(),
            std::vector<std::string>{"<argument threw: boom> 2 <argument threw: no value today>"});
}

TEST(CallTest, LetsAnArgumentLogItself) {
  TestBus bus;
  Logger& logger = get_logger("nested");
  const auto inner = [&logger](int i) {
    logger.info("inner {}", std::vector<int>{i});
    return std::vector<int>{i, i};
  };
  logger.info("outer {} {}", lazy([&] { return inner(1); }), lazy([&] { return inner(2); }));
  EXPECT_EQ(bus.messages(), (std::vector<std::string>{"inner [1]", "inner [2]", "outer [1, 1] [2, 2]"}));
}

TEST(CallTest, MakesUserTypesWithTheFieldsSpec) {
  TestBus bus;
  get_logger("user").info("{} {:.1f} {m:>8}", Money{5}, static_cast<long double>(2.25), kv("m", Money{7}));
  EXPECT_EQ(bus.messages(), std::vector<std::string>{"5 ct 2.2     7 ct"});
}

TEST(CallTest, CarriesContainers) {
  TestBus bus;
  get_logger("containers")
      .info("{} {} {::x}", std::map<std::string, int>{{"a", 1}}, std::pair{1, "x"}, std::vector{255});
  EXPECT_EQ(bus.messages(), std::vector<std::string>{"{\"a\": 1} (1, \"x\") [ff]"});
}

TEST(CallTest, ExceptionCarriesTypeAndText) {
  TestBus bus;
  try {
    throw std::runtime_error("card declined");
  } catch (...) {
    get_logger("exc").exception("charge failed for {}", 42, kv("order", 42));
    get_logger("exc").warning("again", exc_info);
  }
  get_logger("exc").exception("outside");
  const auto records = bus.records();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].levelno, 40);
  EXPECT_EQ(records[0].exc_text, "std::runtime_error: card declined");
  EXPECT_EQ(records[0].get_message(), "charge failed for 42");
  EXPECT_EQ(*field(records[0], "order"), Value(42));
  EXPECT_EQ(records[1].levelno, 30);
  EXPECT_EQ(records[1].exc_text, "std::runtime_error: card declined");
  EXPECT_EQ(records[2].exc_text, "");
}

TEST(CallTest, ExceptionTellsItsCauses) {
  TestBus bus;
  try {
    try {
      throw std::out_of_range("index 7");
    } catch (...) {
      std::throw_with_nested(std::runtime_error("can't load"));
    }
  } catch (...) {
    get_logger("exc").exception("x");
  }
  try {
    throw 42;
  } catch (...) {
    get_logger("exc").exception("x");
  }
  const auto records = bus.records();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].exc_text,
            "std::out_of_range: index 7\n\n"
            "The above exception was the direct cause of the following exception:\n\n"
            "std::runtime_error: can't load");
  EXPECT_EQ(records[1].exc_text, "int");
}

TEST(CallTest, RuntimeAndVerbatimTakeAnyText) {
  TestBus bus;
  const std::string format = "a {} b {:.1f}";
  const std::string text = "100% {}";
  get_logger("text").info(runtime(format), 1, 2.25);
  get_logger("text").info(runtime("bad {"), 1);
  get_logger("text").info(verbatim(text), kv("k", 1));
  const auto records = bus.records();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].get_message(), "a 1 b 2.2");
  EXPECT_NE(records[1].get_message().find("bad {"), std::string::npos);
  EXPECT_NE(records[1].get_message().find('1'), std::string::npos);
  EXPECT_EQ(records[2].get_message(), "100% {}");
  EXPECT_EQ(*field(records[2], "k"), Value(1));
  EXPECT_TRUE(records[0].pathname.ends_with("call_test.cc"));
  // Texts without bound must not fill the bus's table of sites.
  EXPECT_EQ(bus.open().shared().sites_used.load(), 0U);
}

TEST(CallTest, CutsTheLongestTextsOfARecordThatIsTooLong) {
  TestBus bus;
  const std::string huge(3 << 20, 'x');
  const std::string small(100, 'y');
  get_logger("long").info("{} {}", small, huge, kv("huge", huge), kv("small", small));
  get_logger("long").info("{}", std::vector<std::string>(40, std::string(100'000, 'z')));
  get_logger("long").info("{}", std::string(1000, 'w'));
  const auto records = bus.records();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_TRUE(records[0].truncated);
  EXPECT_TRUE(records[0].get_message().starts_with(small + " "));
  EXPECT_EQ(*field(records[0], "small"), Value(small));
  const std::size_t kept =
      records[0].get_message().size() + field(records[0], "huge")->get_if<std::string>()->size();
  EXPECT_GT(kept, (1U << 20) - 1000);
  EXPECT_TRUE(records[1].truncated);
  EXPECT_EQ(records[1].get_message(), "<argument too large>");
  EXPECT_FALSE(records[2].truncated);
}

TEST(CallTest, BoundLoggerAddsItsFields) {
  TestBus bus;
  const BoundLogger bound = get_logger("bound").bind(kv("request", 7), kv("user", "ann"));
  bound.info("x {}", 1);
  bound.bind(kv("more", 1.5), kv("request", 8)).warning("y", kv("own", true), kv("user", "bob"));
  LOGBUS_INFO(bound, "z");
  const auto records = bus.records();
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(field_names(records[0]), (std::vector<std::string>{"request", "user"}));
  EXPECT_EQ(records[0].get_message(), "x 1");
  EXPECT_EQ(*field(records[1], "request"), Value(8));
  EXPECT_EQ(*field(records[1], "user"), Value("bob"));
  EXPECT_EQ(*field(records[1], "own"), Value(true));
  EXPECT_EQ(records[1].extra.size(), 4U);
  EXPECT_EQ(field_names(records[2]), (std::vector<std::string>{"request", "user"}));
}

TEST(CallTest, ScopedContextIsInAllRecordsOfItsThread) {
  TestBus bus;
  Logger& logger = get_logger("context");
  {
    const ScopedContext outer(kv("request", 7), kv("step", "a"));
    logger.info("one");
    {
      const ScopedContext inner(kv("step", "b"));
      logger.info("two {}", 2, kv("own", 1));
      logger.info("three", kv("request", 9));
      std::thread([&logger] { logger.info("other thread"); }).join();
    }
    logger.info("four");
  }
  logger.info("five");
  const auto records = bus.records();
  ASSERT_EQ(records.size(), 6U);
  EXPECT_EQ(field_names(records[0]), (std::vector<std::string>{"request", "step"}));
  EXPECT_EQ(field_names(records[1]), (std::vector<std::string>{"request", "step", "own"}));
  EXPECT_EQ(*field(records[1], "step"), Value("b"));
  EXPECT_EQ(*field(records[2], "request"), Value(9));
  EXPECT_EQ(records[2].extra.size(), 2U);
  EXPECT_TRUE(records[3].extra.empty());
  EXPECT_EQ(*field(records[4], "step"), Value("a"));
  EXPECT_TRUE(records[5].extra.empty());
}

TEST(CallTest, CountsRepetitions) {
  TestBus bus;
  Logger& logger = get_logger("every");
  for (int i = 0; i < 10; ++i) {
    LOGBUS_EVERY_N(4, logger.info("n {}", i));
    LOGBUS_EVERY(std::chrono::hours(1), logger.info("hour {}", i));
    LOGBUS_ONCE(logger.info("once {}", i));
  }
  EXPECT_EQ(bus.messages(), (std::vector<std::string>{"n 0", "hour 0", "once 0", "n 4", "n 8"}));
}

TEST(CallTest, EachThreadHasALaneAndItsOrder) {
  TestBus bus;
  constexpr int kThreads = 8;
  constexpr int kRecords = 200;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < kRecords; ++i) get_logger("threads").info("{} {}", t, i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::map<int, int> next;
  for (const LogRecord& record : bus.records()) {
    const List& args = *record.args.get_if<List>();
    const auto thread = static_cast<int>(*args[0].get_if<std::int64_t>());
    EXPECT_EQ(*args[1].get_if<std::int64_t>(), next[thread]++);
  }
  EXPECT_EQ(next.size(), kThreads);
  for (const auto& [thread, count] : next) EXPECT_EQ(count, kRecords);
}

TEST(CallTest, ThreadsNewNameComesBeforeItsNextRecord) {
  TestBus bus;
  std::thread([] {
    set_thread_name("first");
    get_logger("names").info("one");
    set_thread_name("second");
    get_logger("names").info("two");
  }).join();
  const auto frames = bus.frames();
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_EQ(frames[0].record.get_message(), "one");
  EXPECT_EQ(frames[1].names.thread_name, "second");
  EXPECT_EQ(frames[2].record.get_message(), "two");
  EXPECT_EQ(bus.open().producer_line(0).records.load(), 2U);  // a name is no record
}

}  // namespace
}  // namespace logbus
