// SPDX-License-Identifier: MIT
// A configuration: what a good one says.
#include "sidecar/config.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include <logbus/error.h>
#include <logbus/rotating_file_handler.h>

#include "config_text.h"

namespace logbus::sidecar {
namespace {

TEST(ConfigTest, ReadsAllSections) {
  const Configuration c = good(R"(
version: 1
disable_existing_loggers: no
formatters:
  plain: {format: '%(name)s %(message)s', datefmt: '%H', style: '%', validate: true, defaults: {user: none}}
  utc: {(): logging.Formatter, fmt: '{asctime} {message}', style: '{', .: {converter: ext://time.gmtime, default_msec_format: null}}
filters:
  shop: {name: shop}
handlers:
  out: {class: logging.StreamHandler, stream: ext://sys.stdout, level: WARNING, formatter: plain, filters: [shop]}
  err: {class: logging.StreamHandler, .: {terminator: "\r\n"}}
  file: {class: logging.FileHandler, filename: /tmp/logbus-never-made.log, mode: w, encoding: UTF-8, delay: true}
  turn: {class: logging.handlers.RotatingFileHandler, filename: /tmp/logbus-never-made.2, delay: true, maxBytes: 1_000_000, backupCount: 5}
  none: {class: logging.NullHandler}
loggers:
  shop.db: {level: 15, propagate: no, handlers: [file, file], filters: [shop]}
root: {level: INFO, handlers: [out, err, turn, none]}
logbus:
  bus: orders
  directory: /run/orders
  permissions: "0660"
  group: 0
  lanes: 64
  lane_size: 64 KiB
  sites: 1024
  memory: 1.5 GiB
  max_per_process: 1048576
  overflow: block
  block_timeout: 250 ms
  max_hold: 1.5 s
  drain_timeout: 1 min
  async: {capacity: 100, memory: 8 MiB, shutdown_timeout: 500 ms}
  log_level: ERROR
)");
  ASSERT_EQ(c.formatters.size(), 2U);
  EXPECT_NE(c.formatters[0].formatter, nullptr);
  EXPECT_NE(c.formatters[1].formatter, nullptr);
  LogRecord record;
  record.msg = "hello";
  record.name = "n";
  EXPECT_EQ(c.formatters[0].formatter->format(record), "n hello");
  EXPECT_EQ(c.formatters[1].formatter->format(record), "1970-01-01 00:00:00 hello");
  record.name = "shop.cart";
  EXPECT_TRUE(c.filters.at(0).filter->filter(record));
  record.name = "n";
  EXPECT_FALSE(c.filters.at(0).filter->filter(record));
  EXPECT_EQ(c.handlers.size(), 5U);
  EXPECT_EQ(c.handlers[0].name, "err");  // sorted
  EXPECT_EQ(handler(c, "out").level, Level::kWarning);
  EXPECT_EQ(handler(c, "out").formatter, "plain");
  EXPECT_EQ(handler(c, "out").filters, Lines{"shop"});
  EXPECT_TRUE(handler(c, "file").file->delay);
  EXPECT_EQ(made<FileHandler>(c, "file")->base_filename(), "/tmp/logbus-never-made.log");
  EXPECT_EQ(made<RotatingFileHandler>(c, "turn")->max_bytes(), 1'000'000U);
  EXPECT_EQ(made<RotatingFileHandler>(c, "turn")->backup_count(), 5U);
  EXPECT_EQ(handler(c, "none").class_name, "NullHandler");
  ASSERT_EQ(c.loggers.size(), 2U);
  EXPECT_EQ(c.loggers[0].name, "");
  EXPECT_EQ(c.loggers[0].level, Level::kInfo);
  EXPECT_EQ(c.loggers[0].handlers.size(), 4U);
  EXPECT_EQ(c.loggers[1].level, Level{15});
  EXPECT_FALSE(c.loggers[1].propagate);
  EXPECT_EQ(c.loggers[1].handlers, Lines{"file"});
  EXPECT_EQ(c.bus.options.bus, "orders");
  EXPECT_EQ(c.bus.options.directory, "/run/orders");
  EXPECT_EQ(c.bus.options.mode, 0660U);
  EXPECT_EQ(c.bus.options.group, 0U);
  EXPECT_EQ(c.bus.options.lanes, 64U);
  EXPECT_EQ(c.bus.options.lane_size, 65536U);
  EXPECT_EQ(c.bus.options.sites, 1024U);
  EXPECT_EQ(c.bus.options.memory, 3ULL << 29);
  EXPECT_EQ(c.bus.options.max_per_process, 1U << 20);
  EXPECT_EQ(c.bus.options.overflow, detail::Policy::kBlock);
  EXPECT_EQ(c.bus.options.block_timeout, std::chrono::milliseconds(250));
  EXPECT_EQ(c.bus.options.max_hold, std::chrono::milliseconds(1500));
  EXPECT_EQ(c.bus.drain_timeout, std::chrono::minutes(1));
  EXPECT_EQ(c.bus.async.capacity, 100U);
  EXPECT_EQ(c.bus.async.memory, 8U << 20);
  EXPECT_EQ(c.bus.shutdown_timeout(), std::chrono::milliseconds(500));
  EXPECT_EQ(c.bus.log_level, Level::kError);
}

TEST(ConfigTest, TheEmptyNameAndRootAreTheRootLogger) {
  const char* text = R"(
version: 1
handlers: {a: {class: logging.NullHandler}, b: {class: logging.NullHandler}}
filters: {f: {}, g: {}}
loggers: {'': {level: DEBUG, handlers: [a], filters: [f]}}
root: {level: null, handlers: [b], filters: [g]}
)";
  const Configuration c = good(text);
  ASSERT_EQ(c.loggers.size(), 1U);
  EXPECT_EQ(c.loggers[0].level, Level::kDebug);        // null leaves it
  EXPECT_EQ(c.loggers[0].handlers, Lines{"b"});        // replaced
  EXPECT_EQ(c.loggers[0].filters, (Lines{"f", "g"}));  // added
  EXPECT_EQ(good("{version: 1, root: {}}").loggers.size(), 1U);
}

TEST(ConfigTest, MergesAliasesAndTakesTheLastOfTwoKeys) {
  const Configuration c = good(R"(
version: 1
defaults: &base {class: logging.handlers.RotatingFileHandler, maxBytes: 10, backupCount: 1, filename: /tmp/x, delay: on}
more: &more {maxBytes: 20, backupCount: 2}
handlers:
  a: {<<: *base, maxBytes: 30, maxBytes: 40, filename: /tmp/a}
  b: {<<: [*more, *base], filename: /tmp/b}
  c: *base
)");
  EXPECT_EQ(made<RotatingFileHandler>(c, "a")->max_bytes(), 40U);
  EXPECT_EQ(made<RotatingFileHandler>(c, "a")->backup_count(), 1U);
  EXPECT_EQ(made<RotatingFileHandler>(c, "b")->max_bytes(), 20U);
  EXPECT_EQ(made<RotatingFileHandler>(c, "b")->backup_count(), 2U);
  EXPECT_EQ(handler(c, "c").file->filename, "/tmp/x");
}

TEST(ConfigTest, ResolvesReferences) {
  const Configuration c = good(R"(
version: 1
mine: {level: WARNING, sizes: [1, {big: 77}], path: cfg://paths.main}
paths: {main: /tmp/logbus-from-cfg}
handlers:
  a: {class: logging.handlers.RotatingFileHandler, delay: 1, filename: 'cfg://mine.path', maxBytes: 'cfg://mine.sizes[1].big', level: 'cfg://mine[level]'}
  b: {class: logging.FileHandler, filename: ext://os.devnull, level: ext://logging.ERROR}
)");
  EXPECT_EQ(handler(c, "a").file->filename, "/tmp/logbus-from-cfg");
  EXPECT_EQ(made<RotatingFileHandler>(c, "a")->max_bytes(), 77U);
  EXPECT_EQ(handler(c, "a").level, Level::kWarning);
  EXPECT_EQ(handler(c, "b").file->filename, "/dev/null");
  EXPECT_EQ(handler(c, "b").level, Level::kError);
}

TEST(ConfigTest, OneQueueHandlerStandsForTheBus) {
  const Configuration c = good(R"(
version: 1
handlers:
  file: {class: logging.FileHandler, filename: /dev/null, level: ERROR}
  queue: {class: logging.handlers.QueueHandler, handlers: [file], respect_handler_level: true, level: INFO}
loggers: {a: {handlers: [queue], propagate: false}}
root: {level: DEBUG, handlers: [queue]}
)");
  EXPECT_EQ(handler(c, "queue").targets, Lines{"file"});
  EXPECT_TRUE(handler(c, "queue").queue->respect_handler_level);
}

TEST(ConfigTest, NotesWhatMaySurprise) {
  const std::string here = std::filesystem::current_path().string();
  EXPECT_EQ(said_about("version: 1"),
            Lines{"f.yaml:1:1: note: root: no level: WARNING applies, to the loggers without one too"});
  EXPECT_EQ(said_about("version: 1\nroot: {level: INFO, handlers: [f]}\n"
                       "handlers: {f: {class: logging.FileHandler, filename: x.log}}"),
            Lines{"f.yaml:3:54: note: handlers.f.filename: relative to the working directory, now \"" + here +
                  "/x.log\""});
  EXPECT_EQ(said_about("version: 1\nroot: {level: INFO, handlers: [q]}\nhandlers:\n"
                       "  f: {class: logging.StreamHandler, level: ERROR}\n"
                       "  q: {class: logging.handlers.QueueHandler, handlers: [f]}"),
            Lines{"f.yaml:4:3: note: handlers.f.level: ignored, as in Python: \"q\" does not say "
                  "respect_handler_level: true"});
}

TEST(ConfigTest, AdvisesAQueueForAHandlerWithAServer) {
  const std::string advice =
      "all handlers wait while this one waits for its server: behind a QueueHandler of its own it would hold "
      "up nobody";
  const auto said = [&](const std::string& root, const std::string& more = "") {
    const Lines lines = said_about(
        "version: 1\nhandlers:\n  s: {class: logging.handlers.SocketHandler, host: localhost, port: 1}\n"
        "  q: {class: logging.handlers.QueueHandler, handlers: [s]}\n"
        "  m: {class: logging.handlers.MemoryHandler, capacity: 1, target: s}\n"
        "  n: {class: logging.NullHandler}\n"
        "root: {level: INFO, handlers: [" +
        root + "]}\n" + more);
    return std::count_if(lines.begin(), lines.end(), [&](const std::string& line) {
      return line.starts_with("f.yaml:3:3: note: handlers.s: ") && line.ends_with(advice);
    });
  };
  EXPECT_EQ(said("s, n"), 1);
  EXPECT_EQ(said("m, n"), 1);  // through another one
  EXPECT_EQ(said("q, n"), 0);
  EXPECT_EQ(said("q"), 1);  // it stands for the bus
  EXPECT_EQ(said("n", "logbus: {dispatch: listener, listener: q}\n"), 1);
  EXPECT_EQ(said("n"), 0);
}

TEST(ConfigTest, DelayedFileInAMissingDirectoryIsAWarning) {
  EXPECT_EQ(
      wrong_with(
          "version: 1\nhandlers:\n  a: {class: logging.FileHandler, filename: /no/such/x.log, delay: true}"),
      Lines{"f.yaml:3:45: warning: handlers.a.filename: cannot write \"/no/such/x.log\": the directory "
            "\"/no/such\" "
            "does not exist"});
}

TEST(ConfigTest, TouchesNothing) {
  char name[] = "/tmp/logbus-config-XXXXXX";
  ASSERT_NE(::mkdtemp(name), nullptr);
  const std::string directory = name;
  good("version: 1\nhandlers:\n  a: {class: logging.FileHandler, filename: " + directory +
       "/a.log, mode: w}\n" + "root: {level: INFO, handlers: [a]}");
  EXPECT_TRUE(std::filesystem::is_empty(directory));
  std::filesystem::remove(directory);
}

TEST(ConfigTest, HostileDocumentsEndInAnError) {
  EXPECT_EQ(wrong_with("&a [*a]"), Lines{"f.yaml:1:5: the alias \"a\" stands within what it names"});
  std::string laughs = "version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 9; ++i) {
    const std::string last = "*a" + std::to_string(i - 1);
    laughs += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int j = 1; j < 10; ++j) laughs += ", " + last;
    laughs += "]\n";
  }
  ASSERT_EQ(wrong_with(laughs).size(), 1U);
  EXPECT_NE(wrong_with(laughs)[0].find("more than 100000 values"), std::string::npos);
  EXPECT_EQ(wrong_with(std::string(100'000, '[')).size(), 1U);
  EXPECT_EQ(wrong_with(std::string("\0\1\2", 3)).size(), 1U);
}

TEST(ConfigTest, AFileThatCannotBeReadIsAnErrorOfItsOwn) {
  Diagnostics diagnostics("x");
  try {
    load_config("/no/such/file.yaml", diagnostics);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "/no/such/file.yaml: No such file or directory");
  }
  EXPECT_THROW(load_config("/tmp", diagnostics), Error);
}

}  // namespace
}  // namespace logbus::sidecar
