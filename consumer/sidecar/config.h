// SPDX-License-Identifier: MIT
// A configuration file as plain settings: read and checked as a whole before anything is opened.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <logbus/compatibility.h>
#include <logbus/filter.h>
#include <logbus/formatter.h>
#include <logbus/handler.h>
#include <logbus/level.h>

#include "shm/options.h"
#include "sidecar/config_units.h"
#include "sidecar/diagnostics.h"

namespace logbus::sidecar {

struct FormatterSettings {
  std::string name;
  std::shared_ptr<const Formatter> formatter;  // shared: the handlers that name it
};

struct FilterSettings {
  std::string name;
  std::shared_ptr<const Filter> filter;
};

/// What the making of a handler is given.
struct Making {
  std::vector<std::shared_ptr<Handler>> targets;  // in the order of HandlerSettings::targets
  /// A reload: the sidecar has written this file already, and goes on behind that.
  bool continues_file = false;
  /// A sidecar that was killed has written it.
  bool was_in_use = false;
};

struct FileSettings {
  std::string filename;
  Place place;
  bool delay = false;
};

/// A QueueHandler. It is made by the pipeline, which knows whether it stands for the bus.
struct QueueSettings {
  bool respect_handler_level = false;
  std::optional<std::size_t> capacity;  // nothing: that of the key async
  bool is_bus = false;                  // no logger has any other handler
};

struct HandlerSettings {
  std::string name;
  Place place;
  std::string_view class_name;  // of a HandlerKind
  Level level = Level::kNotSet;
  std::string formatter;             // "": none
  std::vector<std::string> filters;  // names
  std::vector<std::string> targets;  // handlers that it gives records to: made before it
  std::optional<FileSettings> file;
  std::optional<QueueSettings> queue;
  bool network = false;  // gives its records to a server
  /// All of the above but level and formatter, and of the targets: the same text means the same handler.
  std::string text;
  /// Opens what the handler needs at once. May throw Error. Not for a queue.
  std::function<std::shared_ptr<Handler>(const Making&)> make;
};

struct LoggerSettings {
  std::string name;            // "": root
  std::optional<Level> level;  // nothing: NOTSET, and WARNING for root
  bool propagate = true;
  std::vector<std::string> handlers;
  std::vector<std::string> filters;
};

/// Of every asynchronous handler.
struct AsyncSettings {
  std::size_t capacity = 8192;     // records
  std::size_t memory = 64U << 20;  // bytes of them
  bool blocks = false;             // a full queue makes the drain wait, instead of dropping the record
  std::chrono::milliseconds block_timeout{100};
  bool durable = false;
  std::optional<std::chrono::milliseconds> shutdown_timeout;  // nothing: drain_timeout
};

/// The `logbus:` key. Bus and directory stay empty if the file doesn't give them.
struct BusSettings {
  shm::BusOptions options = {.bus = "", .directory = ""};
  std::chrono::milliseconds drain_timeout = std::chrono::seconds(10);
  Level log_level = Level::kInfo;  // of logbusd's own lines
  bool logs_json = false;
  AsyncSettings async;
  Compatibility compatibility;  // compat, python_version
  bool by_listener = false;     // `dispatch: listener`: the handlers of one QueueHandler instead of the tree
  std::string listener;         // its name
  bool prepares_like_python = false;  // QueueHandlers merge message and traceback
  bool holds = false;                 // on_write_error: hold
  std::chrono::milliseconds hold_max{30'000};

  /// How long queues may take to their end, after the drain.
  std::chrono::milliseconds shutdown_timeout() const {
    return async.shutdown_timeout.value_or(drain_timeout);
  }
};

/// `incremental: true`: levels and propagation, and nothing else.
struct Increment {
  struct Logger {
    std::string name;
    std::optional<Level> level;
    std::optional<bool> propagate;
  };
  struct HandlerLevel {
    std::string name;
    Place place;
    std::optional<Level> level;
  };
  std::vector<HandlerLevel> handlers;
  std::vector<Logger> loggers;
};

struct Configuration {
  std::vector<FormatterSettings> formatters;
  std::vector<FilterSettings> filters;
  std::vector<HandlerSettings> handlers;  // in the order of construction
  std::vector<LoggerSettings> loggers;    // root is the first
  BusSettings bus;
  std::optional<Increment> increment;  // then handlers and formatters are none
};

/// Reads `text`, the contents of a dictConfig file in YAML. Everything that is wrong with it goes to
/// `diagnostics`; if anything is (diagnostics.failed()), the result is of no use. Opens nothing but
/// certificates; looks up groups and directories.
Configuration parse_config(const std::string& text, Diagnostics& diagnostics);

/// The same of a file. Throws Error if it can't be read.
Configuration load_config(const std::string& path, Diagnostics& diagnostics);

/// `base` with the levels changed. A handler that `base` doesn't have is an error.
Configuration apply_increment(Configuration base, const Increment& increment, Diagnostics& diagnostics);

/// 1 to 64 of A-Z a-z 0-9 _ . - and not . or .. alone.
bool is_bus_name(std::string_view name) noexcept;

}  // namespace logbus::sidecar
