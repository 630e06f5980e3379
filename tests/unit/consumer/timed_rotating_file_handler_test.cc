// SPDX-License-Identifier: MIT
// TimedRotatingFileHandler where it goes on and Python doesn't, and what the comparison with Python can't
// reach.
#include <logbus/timed_rotating_file_handler.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include <logbus/error.h>
#include <logbus/rotation.h>

#include "both_ways.h"

namespace logbus::consumer::test {
namespace {

namespace fs = std::filesystem;
using std::chrono::hours;

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kDay = 24 * kHour;
// Sunday 2026-03-08 02:00 becomes 03:00, Sunday 2026-11-01 02:00 becomes 01:00.
constexpr const char* kNewYork = "EST+05EDT,M3.2.0,M11.1.0";

std::string content(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

FileOptions file_options(const std::string& filename, bool delay = false) {
  FileOptions options;
  options.filename = filename;
  options.delay = delay;
  return options;
}

class TimedRotatingFileHandlerTest : public ::testing::Test {
 protected:
  TimedRotatingFileHandlerTest()
      : folder_(fs::temp_directory_path() / ("logbus-timed-" + std::to_string(::getpid()))) {
    fs::create_directories(folder_);
    set_zone("UTC");
  }
  ~TimedRotatingFileHandlerTest() override {
    set_zone("UTC");
    fs::permissions(folder_, fs::perms::owner_all);
    fs::remove_all(folder_);
  }

  static void set_zone(const char* zone) {
    ::setenv("TZ", zone, 1);
    ::tzset();
  }
  static std::int64_t local(int month, int day, int hour, int minute = 0) {
    std::tm parts{};
    parts.tm_year = 2026 - 1900;
    parts.tm_mon = month - 1;
    parts.tm_mday = day;
    parts.tm_hour = hour;
    parts.tm_min = minute;
    parts.tm_isdst = -1;
    return ::mktime(&parts);
  }

  // The base file is there, empty, last changed `now`.
  void start(std::int64_t now, TimedRotatingOptions options) {
    now_ = now;
    std::ofstream(path("app.log"), std::ios::app).flush();
    const timespec times[2] = {{now, 0}, {now, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path("app.log").c_str(), times, 0), 0);
    options.now = [this] { return now_; };
    handler_ = std::make_unique<TimedRotatingFileHandler>(file_options(path("app.log")), std::move(options));
  }
  void log(const std::string& message) {
    LogRecord record;
    record.msg = message;
    handler_->handle(record);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::map<std::string, std::string> files() const {
    std::map<std::string, std::string> found;
    for (const auto& entry : fs::directory_iterator(folder_))
      found[entry.path().filename()] = content(entry.path());
    return found;
  }
  std::uint64_t errors() const { return handler_->counters().errors.load(); }

  fs::path folder_;
  std::int64_t now_ = 0;
  std::unique_ptr<TimedRotatingFileHandler> handler_;
};

using Files = std::map<std::string, std::string>;

TEST_F(TimedRotatingFileHandlerTest, GoesOnThroughTheHourThatComesTwice) {
  set_zone(kNewYork);
  const std::int64_t midnight = local(11, 1, 0);
  start(midnight, {.when = "h"});
  for (int hour = 0; hour < 6; ++hour, now_ += kHour) log("after " + std::to_string(hour));
  EXPECT_EQ(files(), (Files{{"app.log.2026-11-01_00", "after 0\n"},
                            {"app.log.2026-11-01_01", "after 1\nafter 2\n"},  // both of them
                            {"app.log.2026-11-01_02", "after 3\n"},
                            {"app.log.2026-11-01_03", "after 4\n"},
                            {"app.log", "after 5\n"}}));
  EXPECT_EQ(errors(), 0U);
}

TEST_F(TimedRotatingFileHandlerTest, GoesOnThroughTheHourThatIsLeftOut) {
  set_zone(kNewYork);
  start(local(3, 8, 0), {.when = "h"});
  for (int hour = 0; hour < 6; ++hour, now_ += kHour) log("after " + std::to_string(hour));
  EXPECT_EQ(files(), (Files{{"app.log.2026-03-08_00", "after 0\n"},
                            {"app.log.2026-03-08_03", "after 1\n"},  // Python's name for it
                            {"app.log.2026-03-08_04", "after 2\nafter 3\n"},
                            {"app.log.2026-03-08_05", "after 4\n"},
                            {"app.log", "after 5\n"}}));
}

TEST_F(TimedRotatingFileHandlerTest, TriesADestinationThatExistsForAnInterval) {
  const std::int64_t begin = local(1, 20, 12);
  for (const bool strict : {false, true}) {
    start(begin, {.when = "midnight", .compatibility = {.strict = strict}});
    std::ofstream(path("app.log.2026-01-20")) << "there before\n";
    log("a");
    now_ += kDay;
    log("b");
    now_ += 12 * kHour - 1;
    log("c");
    EXPECT_EQ(files(), (Files{{"app.log", "a\nb\nc\n"}, {"app.log.2026-01-20", "there before\n"}}));
    fs::remove(path("app.log.2026-01-20"));
    log("d");  // in time, as in Python
    EXPECT_EQ(files(), (Files{{"app.log", "d\n"}, {"app.log.2026-01-20", "a\nb\nc\n"}}));
    handler_.reset();
    for (const auto& [name, text] : files()) fs::remove(path(name));
  }
}

TEST_F(TimedRotatingFileHandlerTest, GoesOnUnderTheNextIntervalsName) {
  const std::int64_t begin = local(1, 20, 12);
  for (const bool strict : {false, true}) {
    start(begin, {.when = "midnight", .compatibility = {.strict = strict}});
    std::ofstream(path("app.log.2026-01-20")) << "there before\n";
    for (int day = 20; day < 24; ++day, now_ += kDay) log(std::to_string(day));
    if (strict) {
      EXPECT_EQ(files(), (Files{{"app.log", "20\n21\n22\n23\n"}, {"app.log.2026-01-20", "there before\n"}}));
    } else {
      EXPECT_EQ(files(), (Files{{"app.log", "23\n"},
                                {"app.log.2026-01-20", "there before\n"},
                                {"app.log.2026-01-21", "20\n21\n"},
                                {"app.log.2026-01-22", "22\n"}}));
    }
    EXPECT_EQ(errors(), 0U);
    handler_.reset();
    for (const auto& [name, text] : files()) fs::remove(path(name));
  }
}

TEST_F(TimedRotatingFileHandlerTest, TheFirstRulesOverwriteIfStrictOnly) {
  for (const bool strict : {false, true}) {
    start(local(1, 20, 12), {.when = "midnight", .compatibility = {.strict = strict, .python_minor = 12}});
    std::ofstream(path("app.log.2026-01-20")) << "there before\n";
    log("a");
    now_ += kDay;
    log("b");
    EXPECT_EQ(content(path("app.log.2026-01-20")), strict ? "a\n" : "there before\n");
    EXPECT_EQ(content(path("app.log")), strict ? "b\n" : "a\nb\n");
    handler_.reset();
    for (const auto& [name, text] : files()) fs::remove(path(name));
  }
}

TEST_F(TimedRotatingFileHandlerTest, ARotationThatFailsIsToldOnceAnIntervalAndLosesNothing) {
  for (const bool strict : {false, true}) {
    ::testing::internal::CaptureStderr();
    start(local(1, 20, 12), {.when = "h", .compatibility = {.strict = strict}});
    handler_->set_rotator([](const std::string&, const std::string&) { throw Error("the rotator's error"); });
    log("a");
    now_ += kHour;
    log("b");
    log("c");
    now_ += kHour;
    log("d");
    handler_->set_rotator(nullptr);
    now_ += kHour;
    log("e");
    if (strict) {
      EXPECT_EQ(files(), (Files{{"app.log", "e\n"}, {"app.log.2026-01-20_12", "a\n"}}));
      EXPECT_EQ(errors(), 3U);
    } else {
      EXPECT_EQ(files(), (Files{{"app.log", "e\n"}, {"app.log.2026-01-20_14", "a\nb\nc\nd\n"}}));
      EXPECT_EQ(errors(), 2U);
      EXPECT_EQ(handler_->counters().dropped.load(), 0U);
    }
    (void)::testing::internal::GetCapturedStderr();
    handler_.reset();
    for (const auto& [name, text] : files()) fs::remove(path(name));
  }
}

TEST_F(TimedRotatingFileHandlerTest, WhatCannotBeDeletedIsToldAndTheRestGoes) {
  ::testing::internal::CaptureStderr();
  fs::create_directories(path("app.log.2026-01-01"));  // a folder, and an empty one
  std::ofstream(path("app.log.2026-01-02")) << "old\n";
  start(local(1, 20, 12), {.when = "midnight", .backup_count = 1});
  log("a");
  now_ += kDay;
  log("b");
  EXPECT_TRUE(fs::is_directory(path("app.log.2026-01-01")));
  EXPECT_FALSE(fs::exists(path("app.log.2026-01-02")));
  EXPECT_EQ(content(path("app.log.2026-01-20")), "a\n");
  EXPECT_EQ(content(path("app.log")), "b\n");
  EXPECT_EQ(errors(), 1U);
  (void)::testing::internal::GetCapturedStderr();
}

TEST_F(TimedRotatingFileHandlerTest, AFolderThatIsGoneCostsItsRecordsOnly) {
  ::testing::internal::CaptureStderr();
  start(local(1, 20, 12), {.when = "h", .backup_count = 1});
  log("a");
  fs::remove_all(folder_);
  now_ += kHour;
  log("b");
  EXPECT_EQ(errors(), 1U);
  fs::create_directories(folder_);
  log("c");
  EXPECT_EQ(files(), (Files{{"app.log", "c\n"}}));
  EXPECT_EQ(errors(), 1U);
  (void)::testing::internal::GetCapturedStderr();
}

TEST_F(TimedRotatingFileHandlerTest, OnlyRegularFilesAreRolled) {
  std::int64_t now = local(1, 20, 12);
  TimedRotatingOptions options{.when = "s"};
  options.now = [&now] { return now; };
  TimedRotatingFileHandler handler(file_options("/dev/null"), options);
  now += 4000 * kDay;  // far behind the device's time of change
  LogRecord record;
  handler.handle(record);
  EXPECT_EQ(handler.rollovers(), 0U);
  EXPECT_EQ(handler.rollover_at(), now + 1);  // not asked again before
  EXPECT_EQ(handler.counters().errors.load(), 0U);

  ASSERT_EQ(::mkfifo(path("fifo").c_str(), 0600), 0);
  const int reader = ::open(path("fifo").c_str(), O_RDONLY | O_NONBLOCK);
  TimedRotatingFileHandler pipe(file_options(path("fifo")), options);
  now += 2 * kDay;
  record.msg = "through the pipe";
  pipe.handle(record);
  char text[32] = {};
  EXPECT_EQ(::read(reader, text, sizeof text), 17);
  EXPECT_EQ(pipe.rollovers(), 0U);
  ::close(reader);
}

TEST_F(TimedRotatingFileHandlerTest, CountsFromTheCreationOfTheFileIn315) {
  start(1'700'000'000, {.when = "h", .compatibility = {.python_minor = 15}});
  EXPECT_EQ(handler_->rollover_at(), 1'700'000'000 + kHour);  // changed before it was made: the earlier one
  handler_.reset();
  struct statx status {};
  ASSERT_EQ(::statx(AT_FDCWD, path("app.log").c_str(), 0, STATX_BTIME | STATX_CTIME, &status), 0);
  const std::int64_t made =
      (status.stx_mask & STATX_BTIME) != 0 ? status.stx_btime.tv_sec : status.stx_ctime.tv_sec;
  start(made + 10 * kDay, {.when = "h", .compatibility = {.python_minor = 15}});
  EXPECT_NEAR(static_cast<double>(handler_->rollover_at()), static_cast<double>(made + kHour), 1);
  start(made + 10 * kDay, {.when = "h"});
  EXPECT_EQ(handler_->rollover_at(), made + 10 * kDay + kHour);
}

TEST_F(TimedRotatingFileHandlerTest, RefusesWhatHasNoMeaning) {
  const FileOptions file = file_options(path("refused.log"), true);
  EXPECT_THROW(TimedRotatingFileHandler(file, {.when = "W7"}), Error);
  EXPECT_THROW(TimedRotatingFileHandler(file, {.interval = -1}), Error);
  EXPECT_THROW(TimedRotatingFileHandler(file, {.when = "W0", .interval = 1e18}), Error);
  EXPECT_THROW(TimedRotatingFileHandler(file, {.when = "s", .interval = 0.5}), Error);
  EXPECT_NO_THROW(TimedRotatingFileHandler(file, {.when = "h", .interval = 0.5}));
  EXPECT_THROW(TimedRotatingFileHandler(file, {.at_time = hours(24)}), Error);
  EXPECT_THROW(TimedRotatingFileHandler(file, {.at_time = std::chrono::seconds(-1)}), Error);
  EXPECT_NO_THROW(TimedRotatingFileHandler(file, {.when = "w6", .at_time = std::chrono::seconds(86399)}));
}

TEST_F(TimedRotatingFileHandlerTest, AnotherSuffixIsNeverDeleted) {
  start(local(1, 20, 12), {.when = "midnight", .backup_count = 1, .suffix = "%Y%m%d.old"});
  for (int day = 20; day < 24; ++day, now_ += kDay) log(std::to_string(day));
  EXPECT_EQ(files(), (Files{{"app.log", "23\n"},
                            {"app.log.20260120.old", "20\n"},
                            {"app.log.20260121.old", "21\n"},
                            {"app.log.20260122.old", "22\n"}}));
}

TEST_F(TimedRotatingFileHandlerTest, CompressedFilesAreCountedAndDeleted) {
  start(local(1, 20, 12), {.when = "midnight", .backup_count = 2});
  handler_->set_namer(suffix_namer(".gz"));
  handler_->set_rotator(gzip_rotator());
  for (int day = 20; day < 24; ++day, now_ += kDay) log(std::to_string(day));
  std::vector<std::string> names;
  for (const auto& [name, text] : files()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"app.log", "app.log.2026-01-21.gz", "app.log.2026-01-22.gz"}));
  EXPECT_EQ(content(path("app.log.2026-01-22.gz")).substr(0, 2), "\x1f\x8b");
  EXPECT_EQ(content(path("app.log")), "23\n");
}

TEST_F(TimedRotatingFileHandlerTest, AsksTheClockOfTheSystem) {
  const std::int64_t before = ::time(nullptr);
  TimedRotatingFileHandler handler(file_options(path("absent.log"), true), {.when = "h"});
  EXPECT_GE(handler.rollover_at(), before + kHour);
  EXPECT_LE(handler.rollover_at(), ::time(nullptr) + kHour);
  EXPECT_FALSE(fs::exists(path("absent.log")));
}

TEST_F(TimedRotatingFileHandlerTest, LinesWithoutRecordsRollAsRecordsDo) {
  std::int64_t now = kNoon / 1'000'000'000;
  const auto make = [&now](std::size_t index, const FileOptions& file) {
    TimedRotatingOptions options{.when = "s", .interval = static_cast<double>(index + 1)};
    options.backup_count = index % 2 == 0 ? 0 : 3;
    options.now = [&now] { return now; };
    std::ofstream(file.filename).flush();
    const timespec times[2] = {{now, 0}, {now, 0}};
    (void)::utimensat(AT_FDCWD, file.filename.c_str(), times, 0);
    return std::make_shared<TimedRotatingFileHandler>(file, options);
  };
  BothWays ways({{.format = "%(asctime)s %(message)s"}, {.format = "%(name)s %(message)s"}}, make);
  const wire::Site plain = some_site("number {}");
  const wire::Site wrong = some_site("number {:d}");  // of a text: can't be formatted
  for (int i = 0; i < 400; ++i) {
    if (i % 7 == 0) ++now;
    if (i % 50 == 0) now += 10;
    const bool fails = i % 31 == 0;
    const std::string payload = fails ? Payload(1).text("x").bytes() : Payload(1).i32(i).bytes();
    ways.handle(fails ? 1 : 0, fails ? wrong : plain, some_tenant(), kNoon + i, payload);
    if (i % 90 == 0) {
      ways.lines.flush();
      ways.records.flush();
    }
  }
  ways.expect_same();
  EXPECT_GT(ways.lines.lines_made(), 300U);
  EXPECT_GT(ways.lines.files().size(), 20U);
}

}  // namespace
}  // namespace logbus::consumer::test
