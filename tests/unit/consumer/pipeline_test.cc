// SPDX-License-Identifier: MIT
// From a configuration to files, without a bus.
#include "sidecar/pipeline.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

#include <logbus/error.h>

#include "base/unique_fd.h"
#include "config_text.h"

namespace logbus::sidecar {
namespace {

using namespace std::chrono_literals;
constexpr auto kLong = 10s;

class PipelineTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/logbus-pipeline-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  /// `text` with @ for the directory.
  Configuration parse(std::string text) {
    for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@'))
      text.replace(at, 1, directory_);
    return good(text);
  }
  static void give(Pipeline& pipeline, const std::string& name, int level, const std::string& text) {
    LogRecord record;
    record.name = name;
    record.levelno = level;
    record.levelname = get_level_name(Level{level});
    record.msg = text;
    pipeline.dispatcher->handle(record);
  }
  std::string file(const std::string& name) {
    std::ostringstream text;
    text << std::ifstream(directory_ + "/" + name).rdbuf();
    return text.str();
  }
  std::string directory_;
};

TEST_F(PipelineTest, RecordsReachTheFilesTheyShould) {
  Pipeline pipeline = build_pipeline(parse(R"(
version: 1
formatters: {plain: {format: '%(levelname)s %(name)s %(message)s'}}
filters: {db: {name: shop.db}}
handlers:
  all: {class: logging.FileHandler, filename: '@/all.log', formatter: plain}
  db: {class: logging.FileHandler, filename: '@/db.log', filters: [db], .: {terminator: "|"}}
  errors: {class: logging.FileHandler, filename: '@/errors.log', level: ERROR, delay: true, formatter: plain}
  turn: {class: logging.handlers.RotatingFileHandler, filename: '@/turn.log', maxBytes: 4, backupCount: 1}
loggers:
  quiet: {level: CRITICAL}
  alone: {handlers: [errors], propagate: false}
root: {level: INFO, handlers: [all, db, turn]}
)"));
  EXPECT_FALSE(std::filesystem::exists(directory_ + "/errors.log"));
  give(pipeline, "shop.db", 20, "one");
  give(pipeline, "shop", 10, "below");
  give(pipeline, "quiet.x", 40, "quiet");
  give(pipeline, "alone", 30, "low");
  give(pipeline, "alone", 40, "two");
  give(pipeline, "shop", 30, "three");
  EXPECT_TRUE(close_handlers(pipeline, kLong).empty());
  EXPECT_EQ(file("all.log"), "INFO shop.db one\nWARNING shop three\n");
  EXPECT_EQ(file("db.log"), "one|");
  EXPECT_EQ(file("errors.log"), "ERROR alone two\n");
  EXPECT_EQ(file("turn.log"), "three\n");
  EXPECT_EQ(file("turn.log.1"), "one\n");
}

TEST_F(PipelineTest, TheQueueHandlerThatIsTheBusPassesOn) {
  for (const bool respect : {false, true}) {
    Pipeline pipeline =
        build_pipeline(parse(std::string(R"(
version: 1
filters: {a: {name: a}}
handlers:
  errors: {class: logging.FileHandler, filename: '@/errors.log', mode: w, level: ERROR}
  queue: {class: logging.handlers.QueueHandler, handlers: [errors], level: INFO, filters: [a], respect_handler_level: )") +
                             (respect ? "yes" : "no") + "}\nroot: {level: DEBUG, handlers: [queue]}\n"));
    give(pipeline, "a", 10, "debug");
    give(pipeline, "a", 20, "info");
    give(pipeline, "b", 40, "other");
    give(pipeline, "a", 40, "error");
    EXPECT_TRUE(close_handlers(pipeline, kLong).empty());
    EXPECT_EQ(file("errors.log"), respect ? "error\n" : "info\nerror\n");
  }
}

TEST_F(PipelineTest, AQueueHandlerBesideOthersHasAThreadOfItsOwn) {
  Pipeline pipeline = build_pipeline(parse(R"(
version: 1
formatters: {plain: {format: '%(levelname)s %(message)s'}}
handlers:
  a_queue: {class: logging.handlers.QueueHandler, handlers: [slow, b_queue], level: INFO}
  b_queue: {class: logging.handlers.QueueHandler, handlers: [last]}
  all: {class: logging.FileHandler, filename: '@/all.log'}
  slow: {class: logging.FileHandler, filename: '@/slow.log', formatter: plain, level: CRITICAL}
  last: {class: logging.FileHandler, filename: '@/last.log'}
root: {level: DEBUG, handlers: [all, a_queue]}
)"));
  ASSERT_EQ(pipeline.queues.size(), 2U);
  EXPECT_EQ(pipeline.queues[0]->handler()->name(), "b_queue");  // a_queue gives to it
  EXPECT_EQ(pipeline.queues[0]->capacity(), 8192U);
  EXPECT_EQ(pipeline.direct.size(), 3U);  // all, a_queue and the last resort
  give(pipeline, "a", 10, "debug");
  give(pipeline, "a", 20, "one");
  EXPECT_EQ(pipeline.queues[1]->queued(), 1U);  // nobody has started it
  EXPECT_EQ(file("slow.log"), "");
  start_queues(pipeline);
  give(pipeline, "a", 30, "two");
  EXPECT_TRUE(pipeline.queues[1]->join(kLong));
  EXPECT_TRUE(pipeline.queues[0]->join(kLong));
  EXPECT_EQ(file("slow.log"), "INFO one\nWARNING two\n");
  give(pipeline, "a", 30, "three");
  EXPECT_TRUE(close_handlers(pipeline, kLong).empty());  // to its end
  EXPECT_EQ(file("all.log"), "debug\none\ntwo\nthree\n");
  EXPECT_EQ(file("slow.log"), "INFO one\nWARNING two\nWARNING three\n");
  EXPECT_EQ(file("last.log"), "one\ntwo\nthree\n");
}

TEST_F(PipelineTest, AFullQueueLosesTheRecordAndCountsIt) {
  Pipeline pipeline = build_pipeline(parse(R"(
version: 1
handlers:
  queue: {class: logging.handlers.QueueHandler, handlers: [slow], queue: {(): queue.Queue, maxsize: 2}}
  slow: {class: logging.FileHandler, filename: '@/slow.log'}
  none: {class: logging.NullHandler}
root: {handlers: [queue, none]}
)"));
  EXPECT_EQ(pipeline.queues.at(0)->capacity(), 2U);
  testing::internal::CaptureStderr();
  for (const char* text : {"one", "two", "three"}) give(pipeline, "a", 30, text);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("the queue is full"), std::string::npos);
  EXPECT_EQ(pipeline.queues[0]->handler()->counters().dropped.load(), 1U);
  start_queues(pipeline);
  EXPECT_TRUE(close_handlers(pipeline, kLong).empty());
  EXPECT_EQ(file("slow.log"), "one\ntwo\n");
}

/// In place of a handler of the configuration.
template <class T>
std::shared_ptr<T> replace(Configuration& configuration, const std::string& name) {
  const auto handler = std::make_shared<T>();
  for (HandlerSettings& settings : configuration.handlers)
    if (settings.name == name) settings.make = [handler](const Making&) { return handler; };
  return handler;
}

/// Its server is away: two records wait, for more there is no room.
class Away : public Handler {
 public:
  bool pending() const noexcept override { return counters().waiting > 0; }
  bool has_room() const noexcept override { return counters().waiting < 2; }
  void close() override {
    count_dropped(DropReason::kShutdown, counters().waiting);
    set_waiting(0);
  }

 protected:
  void emit(const LogRecord&) override { set_waiting(counters().waiting + 1); }
};

/// Stands still until it is let go.
class Stuck : public Handler {
 public:
  std::mutex gate;
  std::atomic<bool> closed{false};
  void close() override { closed = true; }

 protected:
  void emit(const LogRecord&) override { const std::lock_guard wait(gate); }
};

std::uint64_t lost_at_the_end(const Handler& handler) {
  return handler.counters().dropped_for[static_cast<std::size_t>(DropReason::kShutdown)];
}

TEST_F(PipelineTest, WhatCannotBeDeliveredInTimeIsSaidAndCounted) {
  Configuration configuration = parse(R"(
version: 1
handlers:
  away_queue: {class: logging.handlers.QueueHandler, handlers: [away]}
  away: {class: logging.NullHandler}
  file_queue: {class: logging.handlers.QueueHandler, handlers: [file]}
  file: {class: logging.FileHandler, filename: '@/file.log'}
root: {handlers: [away_queue, file_queue]}
)");
  const auto away = replace<Away>(configuration, "away");
  Pipeline pipeline = build_pipeline(configuration);
  start_queues(pipeline);
  for (int i = 0; i < 10; ++i) give(pipeline, "a", 30, "x");
  const Losses losses = close_handlers(pipeline, 50ms);
  ASSERT_EQ(losses.size(), 2U);
  EXPECT_EQ(losses[0].handler, "away_queue");
  EXPECT_FALSE(losses[0].stands_still);
  EXPECT_EQ(losses[1].handler, "away");
  const std::uint64_t taken =
      losses[1].records;  // what it has room for, and perhaps the one that was on its way
  EXPECT_TRUE(taken == 2 || taken == 3) << taken;
  EXPECT_EQ(losses[0].records, 10 - taken);
  const Handler& queue = *queue_of(pipeline, *pipeline.queues[0]->handler())->handler();
  EXPECT_EQ(queue.counters().records, taken);
  EXPECT_EQ(lost_at_the_end(queue), 10 - taken);
  EXPECT_EQ(lost_at_the_end(*away), taken);
  EXPECT_EQ(away->counters().records, 0U);
  EXPECT_EQ(file("file.log"), "x\nx\nx\nx\nx\nx\nx\nx\nx\nx\n");  // though the other took all the time
  EXPECT_FALSE(AsyncQueue::any_left_alone());
}

TEST_F(PipelineTest, AHandlerThatStandsStillIsLeftAlone) {
  Configuration configuration = parse(R"(
version: 1
handlers:
  queue: {class: logging.handlers.QueueHandler, handlers: [stuck, behind]}
  stuck: {class: logging.NullHandler}
  behind: {class: logging.FileHandler, filename: '@/behind.log'}
  file: {class: logging.FileHandler, filename: '@/file.log'}
root: {handlers: [queue, file]}
)");
  const auto stuck = replace<Stuck>(configuration, "stuck");
  Pipeline pipeline = build_pipeline(configuration);
  std::unique_lock still(stuck->gate);
  start_queues(pipeline);
  for (int i = 0; i < 3; ++i) give(pipeline, "a", 30, "x");
  while (pipeline.queues[0]->queued() != 2) std::this_thread::yield();
  const Losses losses = close_handlers(pipeline, 1ms);
  ASSERT_EQ(losses.size(), 2U);
  EXPECT_EQ(losses[0].handler, "queue");
  EXPECT_EQ(losses[0].records, 2U);
  EXPECT_TRUE(losses[0].stands_still);
  EXPECT_EQ(losses[1].handler, "stuck");
  EXPECT_TRUE(losses[1].stands_still);
  EXPECT_FALSE(stuck->closed);
  EXPECT_EQ(file("file.log"), "x\nx\nx\n");
  EXPECT_TRUE(AsyncQueue::any_left_alone());
  const auto queue = pipeline.queues[0];
  pipeline = {};  // the thread still has all that it needs
  still.unlock();
  while (!queue->has_stopped()) std::this_thread::yield();
}

TEST_F(PipelineTest, ServersThatDoNotAnswerTakeNoLongerThanTheEndMay) {
  const base::UniqueFd server(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  ASSERT_EQ(::bind(server.get(), any, size), 0);
  ASSERT_EQ(::getsockname(server.get(), any, &size), 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  std::string handlers = "  queue: {class: logging.handlers.QueueHandler, handlers: [behind]}\n";
  for (const char* name : {"one", "two", "behind"}) {
    handlers += std::string("  ") + name +
                ": {class: logging.handlers.HTTPHandler, host: '127.0.0.1:" + port +
                "', url: /, timeout: 20, retry_start: 600, retry_max: 600}\n";
  }
  testing::internal::CaptureStderr();
  Pipeline pipeline =
      build_pipeline(parse("version: 1\nhandlers:\n" + handlers + "root: {handlers: [one, two, queue]}\n"));
  start_queues(pipeline);
  give(pipeline, "a", 30, "x");
  for (const auto& handler : pipeline.handlers)  // nobody listens
    while (handler->class_name() == "HTTPHandler" && handler->counters().errors == 0)
      std::this_thread::yield();
  ASSERT_EQ(::listen(server.get(), 10), 0);
  const auto begin = std::chrono::steady_clock::now();
  const Losses losses = close_handlers(pipeline, 100ms);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, kLong);
  testing::internal::GetCapturedStderr();
  ASSERT_EQ(losses.size(), 3U);
  for (const Loss& loss : losses) {
    EXPECT_EQ(loss.records, 1U) << loss.handler;
    EXPECT_FALSE(loss.stands_still) << loss.handler;
  }
}

TEST_F(PipelineTest, WhatAHandlerHoldsBackComesToTheQueueBehindItBeforeThatEnds) {
  Pipeline pipeline = build_pipeline(parse(R"(
version: 1
handlers:
  memory: {class: logging.handlers.MemoryHandler, capacity: 100, target: queue}
  queue: {class: logging.handlers.QueueHandler, handlers: [second]}
  second: {class: logging.handlers.QueueHandler, handlers: [file]}
  file: {class: logging.FileHandler, filename: '@/file.log'}
root: {handlers: [memory]}
)"));
  start_queues(pipeline);
  give(pipeline, "a", 30, "x");
  EXPECT_TRUE(close_handlers(pipeline, kLong).empty());
  EXPECT_EQ(file("file.log"), "x\n");
}

TEST_F(PipelineTest, DispatchToAListenerSkipsTheTree) {
  Pipeline pipeline = build_pipeline(parse(R"(
version: 1
handlers:
  queue: {class: logging.handlers.QueueHandler, handlers: [all], level: INFO}
  all: {class: logging.FileHandler, filename: '@/all.log'}
  other: {class: logging.FileHandler, filename: '@/other.log'}
loggers: {a: {level: CRITICAL, handlers: [other], propagate: false}}
root: {level: CRITICAL, handlers: [queue, other]}
logbus: {dispatch: listener, listener: queue}
)"));
  EXPECT_TRUE(pipeline.queues.empty());
  give(pipeline, "a", 10, "debug");
  give(pipeline, "a", 20, "one");
  give(pipeline, "b", 30, "two");
  EXPECT_TRUE(close_handlers(pipeline, kLong).empty());
  EXPECT_EQ(file("all.log"), "one\ntwo\n");
  EXPECT_EQ(file("other.log"), "");
}

TEST_F(PipelineTest, ARebuiltOneTakesOverWhatIsAsItWas) {
  const auto text = [](const std::string& changed) {
    return R"(
version: 1
formatters: {plain: {format: '%(levelname)s %(message)s'}, other: {format: '<%(message)s>'}}
filters: {f: {name: a}}
handlers:
  queue: {class: logging.handlers.QueueHandler, handlers: [behind]}
  behind: {class: logging.FileHandler, filename: '@/behind.log', mode: w, filters: [f]}
  same: {class: logging.FileHandler, filename: '@/same.log', mode: w, formatter: plain}
  turn: {class: logging.handlers.RotatingFileHandler, filename: '@/turn.log', maxBytes: 4, backupCount: 1}
root: {level: DEBUG, handlers: [queue, same, turn]}
)" + changed;
  };
  const auto change = [&](std::string from, const std::string& to) {
    std::string changed = text("");
    changed.replace(changed.find(from), from.size(), to);
    return parse(changed);
  };
  const Configuration before = parse(text(""));
  Pipeline old = build_pipeline(before);
  const auto taken = [&](const Configuration& configuration) {
    Pipeline fresh = rebuild_pipeline(configuration, {before, old});
    std::vector<std::string> names;
    for (const auto& handler : fresh.handlers)
      if (std::find(old.handlers.begin(), old.handlers.end(), handler) != old.handlers.end())
        names.push_back(handler->name());
    return names;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(taken(parse(text("unknown: {}"))), (Names{"behind", "queue", "same", "turn"}));
  EXPECT_EQ(taken(change("mode: w, formatter", "level: ERROR, mode: w, formatter")),
            (Names{"behind", "queue", "same", "turn"}));
  EXPECT_EQ(old.handlers[2]->level(), Level::kError);
  EXPECT_EQ(taken(change("formatter: plain", "formatter: other")),
            (Names{"behind", "queue", "same", "turn"}));
  EXPECT_EQ(taken(change("same.log", "new.log")), (Names{"behind", "queue", "turn"}));
  EXPECT_EQ(taken(change("maxBytes: 4", "maxBytes: 5")), (Names{"behind", "queue", "same"}));
  EXPECT_EQ(taken(change("{name: a}", "{name: b}")), (Names{"same", "turn"}));  // and so is what leads to it
  EXPECT_EQ(taken(parse(text("logbus: {async: {capacity: 9}}"))), (Names{"behind", "same", "turn"}));
}

TEST_F(PipelineTest, ARebuiltOneGoesOnBehindWhatIsWritten) {
  const auto text = [](const std::string& terminator) {
    return "{version: 1, handlers: {f: {class: logging.FileHandler, filename: '@/f.log', mode: w, .: "
           "{terminator: '" +
           terminator + "'}}}, root: {handlers: [f]}}";
  };
  const Configuration before = parse(text("|"));
  Pipeline old = build_pipeline(before);
  give(old, "a", 30, "one");
  const Configuration after = parse(text(";"));
  Pipeline fresh = rebuild_pipeline(after, {before, old});
  EXPECT_TRUE(close_handlers(old, kLong, fresh).empty());
  give(fresh, "a", 30, "two");
  EXPECT_TRUE(close_handlers(fresh, kLong).empty());
  EXPECT_EQ(file("f.log"), "one|two;");
}

TEST_F(PipelineTest, WithoutAHandlerWarningsGoToStderr) {
  Pipeline pipeline = build_pipeline(parse("version: 1"));
  testing::internal::CaptureStderr();
  give(pipeline, "a", 20, "info");
  give(pipeline, "a", 30, "warning");
  EXPECT_TRUE(close_handlers(pipeline, kLong).empty());
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "warning\n");
}

TEST_F(PipelineTest, AFileThatCannotBeOpenedIsNamed) {
  std::filesystem::create_directory(directory_ + "/gone");
  const Configuration configuration =
      parse("{version: 1, handlers: {f: {class: logging.FileHandler, filename: '@/gone/x'}}}");
  std::filesystem::remove(directory_ + "/gone");  // after the check
  try {
    build_pipeline(configuration);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(directory_ + "/gone/x"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace logbus::sidecar
