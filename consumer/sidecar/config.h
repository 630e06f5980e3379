// SPDX-License-Identifier: MIT
// A configuration file as plain settings: read and checked as a whole before anything is opened.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <logbus/formatter.h>
#include <logbus/level.h>

#include "shm/options.h"
#include "sidecar/diagnostics.h"

namespace logbus::sidecar {

struct FormatterSettings {
  std::string name;
  std::shared_ptr<const Formatter> formatter;  // shared: the handlers that name it
};

struct FilterSettings {
  std::string name;
  std::string logger;  // what logging.Filter(name=...) passes
};

enum class HandlerClass { kNull, kStream, kFile, kRotatingFile, kQueue };

/// The members that a class doesn't know keep their defaults.
struct HandlerSettings {
  std::string name;
  Place place;
  HandlerClass handler_class = HandlerClass::kStream;
  Level level = Level::kNotSet;
  std::string formatter;             // "": none
  std::vector<std::string> filters;  // names
  // StreamHandler
  bool to_stdout = false;
  std::string terminator = "\n";
  // FileHandler
  std::string filename;
  Place filename_place;
  std::string mode = "a";
  bool delay = false;
  // RotatingFileHandler
  std::uint64_t max_bytes = 0;
  int backup_count = 0;
  // QueueHandler
  std::vector<std::string> handlers;
  bool respect_handler_level = false;
};

struct LoggerSettings {
  std::string name;            // "": root
  std::optional<Level> level;  // nothing: NOTSET, and WARNING for root
  bool propagate = true;
  std::vector<std::string> handlers;
  std::vector<std::string> filters;
};

/// The `logbus:` key. Bus and directory stay empty if the file doesn't give them.
struct BusSettings {
  shm::BusOptions options = {.bus = "", .directory = ""};
  std::chrono::milliseconds drain_timeout = std::chrono::seconds(10);
  Level log_level = Level::kInfo;
};

struct Configuration {
  std::vector<FormatterSettings> formatters;
  std::vector<FilterSettings> filters;
  std::vector<HandlerSettings> handlers;  // in the order of their names, Python's order of construction
  std::vector<LoggerSettings> loggers;    // root is the first
  BusSettings bus;
};

/// Reads `text`, the contents of a dictConfig file in YAML. Everything that is wrong with it goes to
/// `diagnostics`; if anything is (diagnostics.failed()), the result is of no use. Opens nothing; looks up
/// groups and directories.
Configuration parse_config(const std::string& text, Diagnostics& diagnostics);

/// The same of a file. Throws Error if it can't be read.
Configuration load_config(const std::string& path, Diagnostics& diagnostics);

/// 1 to 64 of A-Z a-z 0-9 _ . - and not . or .. alone.
bool is_bus_name(std::string_view name) noexcept;

/// "50 ms", "10 s", "1.5 min": nothing if it isn't a duration. Units: ns us ms s min h.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// "64 MiB", "500 kB", "4096": nothing if it isn't a size. Units: B, kB MB GB, KiB MiB GiB.
std::optional<std::uint64_t> parse_size(std::string_view text);

}  // namespace logbus::sidecar
