// SPDX-License-Identifier: MIT
// basic_config(): its settings, the environment, failures.
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include <logbus/bus_queue.h>
#include <logbus/error.h>
#include <logbus/logger.h>

#include "test_bus.h"

namespace logbus {
namespace {

using testing::TempDir;
using testing::TestBus;

class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) { ::setenv(name, value.c_str(), 1); }
  ~Environment() { ::unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* name_;
};

/// What the call wrote to stderr.
template <class Call>
std::string stderr_of(Call call) {
  ::testing::internal::CaptureStderr();
  call();
  return ::testing::internal::GetCapturedStderr();
}

class BasicConfigTest : public ::testing::Test {
 protected:
  void TearDown() override {
    for (const auto& handler : get_logger().handlers()) get_logger().remove_handler(handler);
    get_logger().set_level(Level::kWarning);
  }
};

TEST_F(BasicConfigTest, WithoutABusLogsToStderrAsPython) {
  const std::string text = stderr_of([] {
    EXPECT_FALSE(basic_config({.level = Level::kInfo, .force = true}));
    get_logger("std.err").info("hello {}", 1);
    get_logger("std.err").debug("not this");
  });
  EXPECT_EQ(text, "INFO:std.err:hello 1\n");
}

TEST_F(BasicConfigTest, TakesAFormatForStderr) {
  const std::string text = stderr_of([] {
    basic_config({.level = Level::kInfo, .format = "%(levelno)d %(message)s %(funcName)s", .force = true});
    get_logger("fmt").info("hello");
  });
  EXPECT_EQ(text, "20 hello operator()\n");
}

TEST_F(BasicConfigTest, ChangesNothingIfTheRootHasHandlers) {
  TestBus bus(Level::kError);
  EXPECT_FALSE(basic_config({.bus = "other", .directory = bus.directory(), .level = Level::kDebug}));
  EXPECT_EQ(get_logger().level(), Level::kError);
  get_logger("x").error("still here");
  EXPECT_EQ(bus.messages(), std::vector<std::string>{"still here"});
}

TEST_F(BasicConfigTest, TakesBusAndDirectoryFromTheEnvironment) {
  const TempDir directory;
  const Environment bus("LOGBUS_BUS", "from_environment");
  const Environment where("LOGBUS_DIR", directory.path());
  EXPECT_TRUE(basic_config({.force = true}));
  EXPECT_TRUE(std::filesystem::exists(directory.path() + "/from_environment.logbus"));
}

TEST_F(BasicConfigTest, LevelsOfTheEnvironmentWin) {
  const Environment levels("LOGBUS_LEVEL", "error, env.db=debug,env.num=15");
  TestBus bus(Level::kDebug);
  EXPECT_EQ(get_logger().level(), Level::kError);
  EXPECT_EQ(get_logger("env.db").level(), Level::kDebug);
  EXPECT_EQ(get_logger("env.num").level(), Level{15});
  EXPECT_FALSE(get_logger("env").is_enabled_for(Level::kWarning));
  EXPECT_TRUE(get_logger("env.db.pool").is_enabled_for(Level::kDebug));
}

TEST_F(BasicConfigTest, TellsOfALevelThatIsNone) {
  const Environment levels("LOGBUS_LEVEL", "loud,env.ok=info");
  const std::string text = stderr_of([] { basic_config({.force = true}); });
  EXPECT_EQ(text, "logbus: LOGBUS_LEVEL: \"loud\" names no level\n");
  EXPECT_EQ(get_logger("env.ok").level(), Level::kInfo);
}

TEST_F(BasicConfigTest, NamesTheProcess) {
  TestBus first;
  TempDir directory;
  basic_config({.bus = "named", .directory = directory.path(), .process_name = "web-1", .force = true});
  shm::BusOptions options;
  options.bus = "named";
  options.directory = directory.path();
  const shm::Segment segment = shm::Segment::open_existing(options, shm::Segment::Role::kSidecar);
  EXPECT_STREQ(segment.slot(0).process_name, "web-1");
}

TEST_F(BasicConfigTest, FailureGoesToStderrOnceAndLoggingGoesOnThere) {
  const std::string text = stderr_of([] {
    EXPECT_FALSE(
        basic_config({.bus = "b", .directory = "/nonexistent/place", .level = Level::kInfo, .force = true}));
    get_logger("fall.back").info("one {}", 1);
    get_logger("fall.back").info("two", kv("k", 1));
  });
  EXPECT_TRUE(text.starts_with("logbus: ")) << text;
  EXPECT_NE(text.find("/nonexistent/place/b.logbus: No such file or directory"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("\nINFO:fall.back:one 1\nINFO:fall.back:two\n")) << text;
}

TEST_F(BasicConfigTest, ThrowsIfAskedTo) {
  try {
    basic_config(
        {.bus = "b", .directory = "/nonexistent/place", .force = true, .on_failure = OnFailure::kThrow});
    FAIL() << "no exception";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ENOENT);
    EXPECT_NE(std::string(error.what()).find("/nonexistent/place"), std::string::npos);
  }
}

TEST_F(BasicConfigTest, AttachesLaterIfTheDirectoryComes) {
  TempDir parent;
  const std::string directory = parent.path() + "/later";
  const std::string text = stderr_of([&] {
    EXPECT_FALSE(basic_config({.bus = "b", .directory = directory, .level = Level::kInfo, .force = true}));
    get_logger("later").info("on stderr");
    std::filesystem::create_directory(directory);
    // A try each second: this loop ends by then, or the test's timeout ends it.
    while (!std::filesystem::exists(directory + "/b.logbus")) get_logger("later").info("try");
  });
  EXPECT_NE(text.find("INFO:later:on stderr\n"), std::string::npos);
  EXPECT_NE(text.find("logbus: attached to " + directory + "/b.logbus"), std::string::npos);
}

TEST_F(BasicConfigTest, RefusesABadBusName) {
  EXPECT_THROW(basic_config({.bus = "a/b", .force = true}), Error);
}

TEST_F(BasicConfigTest, FlushWaitsForTheReader) {
  TestBus bus;
  EXPECT_TRUE(flush(std::chrono::milliseconds(0)));
  get_logger("flush").info("x");
  EXPECT_FALSE(flush(std::chrono::milliseconds(5)));
  const shm::Segment segment = bus.open();
  for (std::uint32_t lane = 0; lane < segment.lanes(); ++lane)
    segment.consumer_line(lane).read.store(segment.producer_line(lane).committed.load());
  EXPECT_TRUE(flush(std::chrono::milliseconds(1000)));
}

TEST_F(BasicConfigTest, BusQueueTakesWholeRecords) {
  TestBus bus;
  LogRecord record;
  record.name = "made.by.hand";
  record.msg = "%s and %d";
  record.args = List{Value("a"), Value(1)};
  record.levelno = 30;
  record.levelname = "WARNING";
  record.created_ns = 5;
  ASSERT_NE(bus_queue(), nullptr);
  EXPECT_TRUE(bus_queue()->put_nowait(record));
  const LogRecord seen = bus.record();
  EXPECT_EQ(seen.name, "made.by.hand");
  EXPECT_EQ(seen.get_message(), "a and 1");
  EXPECT_EQ(seen.created_ns, 5);
}

TEST_F(BasicConfigTest, RetiredBusIsLeftForTheNextOne) {
  TestBus bus;
  Logger& logger = get_logger("retired");
  const shm::Segment old = bus.open();
  for (int i = 0; i < 4; ++i) {
    if (i == 2) {
      std::filesystem::rename(bus.directory() + "/unit.logbus", bus.directory() + "/unit.old.logbus");
      old.shared().attention.fetch_or(detail::kAttentionRetired);
    }
    logger.info("{}", i);
  }
  // The one that found out was still written to the old bus, which is drained as well.
  EXPECT_EQ(bus.messages(), std::vector<std::string>{"3"});
  EXPECT_EQ(old.producer_line(0).records.load(), 3U);
}

}  // namespace
}  // namespace logbus
