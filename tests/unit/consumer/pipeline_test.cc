// SPDX-License-Identifier: MIT
// From a configuration to files, without a bus.
#include "sidecar/pipeline.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

#include <logbus/error.h>

#include "sidecar/own_log.h"

namespace logbus::sidecar {
namespace {

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
    Diagnostics diagnostics("f.yaml");
    Configuration configuration = parse_config(text, diagnostics);
    for (const std::string& line : diagnostics.lines(false)) ADD_FAILURE() << line;
    return configuration;
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
  close_handlers(pipeline);
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
    close_handlers(pipeline);
    EXPECT_EQ(file("errors.log"), respect ? "error\n" : "info\nerror\n");
  }
}

TEST_F(PipelineTest, WithoutAHandlerWarningsGoToStderr) {
  Pipeline pipeline = build_pipeline(parse("version: 1"));
  testing::internal::CaptureStderr();
  give(pipeline, "a", 20, "info");
  give(pipeline, "a", 30, "warning");
  close_handlers(pipeline);
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

TEST(OwnLogTest, CutsABurstAndTellsHowMuch) {
  testing::internal::CaptureStderr();
  OwnLog log;
  log.set_level(Level::kWarning);
  log.info("not this");
  for (int i = 0; i < 150; ++i) log.warning("line");
  const std::string text = testing::internal::GetCapturedStderr();
  const auto lines = std::count(text.begin(), text.end(), '\n');
  EXPECT_GE(lines, 100);
  EXPECT_LT(lines, 150);
  EXPECT_EQ(text.find("not this"), std::string::npos);
  EXPECT_EQ(text.substr(0, text.find('\n')), "logbusd[" + std::to_string(::getpid()) + "]: warning: line");
}

TEST(OwnLogTest, AFullPipeNeverBlocks) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const std::string line(1000, 'x');
  int written = 0;
  while (written < 1000 && write_if_ready(ends[1], line)) ++written;
  EXPECT_GT(written, 10);
  EXPECT_LT(written, 1000);  // a pipe holds 64 KiB
  ::close(ends[0]);
  ::close(ends[1]);
  EXPECT_FALSE(write_if_ready(ends[1], line));
}

}  // namespace
}  // namespace logbus::sidecar
