// SPDX-License-Identifier: MIT
// From the bus's segments to lines.
#include "sidecar/bus_listener.h"

#include <chrono>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "shm/site_table.h"
#include "sidecar/config.h"
#include "support/shm_bus.h"

namespace logbus::sidecar {
namespace {

using namespace std::chrono_literals;
using logbus::testing::TempDir;

/// A process of one thread; its first call site, and a record of that.
class Worker {
 public:
  Worker(const shm::BusOptions& options, const std::string& name)
      : attachment_(shm::Attachment::attach(options, "process " + name)) {
    EXPECT_EQ(lane_.claim(*attachment_, 1, "thread " + name), shm::Claim::kOk);
    wire::Site site;
    site.name = "logger " + name;
    site.levelno = 30;
    site.levelname = "WARNING";
    site.format = "message " + name;
    std::string content;
    wire::encode_site(site, content);
    constexpr std::uint64_t kHash = 5;
    site_ = shm::SiteTable(attachment_->segment()).intern(std::as_bytes(std::span(content)), kHash);
    EXPECT_EQ(site_, kHash) << "the same number in each segment";
  }
  void log() {
    constexpr std::byte kNoArguments[] = {std::byte{0x90}};
    EXPECT_EQ(testing::put(lane_, kNoArguments, 30, false, site_), testing::Put::kWritten);
  }

 private:
  std::unique_ptr<shm::Attachment> attachment_;
  shm::LaneOwner lane_{};
  std::uint32_t site_ = 0;
};

// Numbers of call sites and of lanes are a segment's own: lines had the other one's logger, level and names.
TEST(BusListenerTest, TakesNothingOfOneSegmentForThatOfAnother) {
  const TempDir directory, home;
  shm::BusOptions options = testing::small_bus(directory);
  Diagnostics diagnostics("f.yaml");
  Configuration configuration = parse_config(R"({version: 1,
    formatters: {line: {format: '%(name)s, %(processName)s, %(threadName)s, %(message)s'}},
    handlers: {file: {class: logging.FileHandler, formatter: line, filename: )" +
                                                 home.path() + "/log}}, root: {handlers: [file]}}",
                                             diagnostics);
  ASSERT_FALSE(diagnostics.failed()) << diagnostics.errors_text();
  Pipeline pipeline = build_pipeline(configuration);
  consumer::Bus bus({options, {}, {}});
  BusListener listener(bus, pipeline, {}, false);
  Worker one(options, "one");
  one.log();
  listener.start();
  EXPECT_TRUE(listener.between_batches(
      [&] {
        options.lanes *= 2;
        bus.apply(options);
      },
      [] { return false; }));
  Worker two(options, "two");
  two.log();
  listener.stop();
  std::ostringstream text;
  text << std::ifstream(home.path() + "/log").rdbuf();
  EXPECT_EQ(text.str(),
            "logger one, process one, thread one, message one\n"
            "logger two, process two, thread two, message two\n");
}

// A thread that has written its last record to the old one goes on in the new one, while that is drained and
// the end is asked for.
TEST(BusListenerTest, TakesAtTheEndTooWhatAnOlderSegmentHasFirst) {
  const TempDir directory;
  shm::BusOptions options = testing::small_bus(directory);
  consumer::Bus bus({options, {}, {}});
  Worker before(options, "before");
  before.log();
  options.lanes *= 2;
  bus.apply(options);
  Worker behind(options, "behind");
  std::string given;
  const auto take = [&bus, &given](std::chrono::seconds timeout) {
    LogRecord record;
    const bool taken = bus.get(record, timeout);
    if (taken) given += record.name.substr(6) + ",";
    return taken;
  };
  EXPECT_TRUE(take(10s));
  bus.task_done();
  behind.log();
  EXPECT_TRUE(take(10s));
  before.log();
  behind.log();
  bus.begin_stop();
  for (int batch = 0; batch < 3; ++batch) {
    while (take(0s)) {
    }
    bus.task_done();
  }
  EXPECT_EQ(given, " before, behind, before, behind,");
}

}  // namespace
}  // namespace logbus::sidecar
