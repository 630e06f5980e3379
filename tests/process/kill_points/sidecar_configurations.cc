// SPDX-License-Identifier: MIT
// The configurations of the sidecars that are killed.
#include "sidecar_stage.h"

namespace logbus::kill_points {
namespace {

/// @ stands for the directory of the files.
std::string with_paths(const Stage& stage, std::string text) {
  for (std::size_t at = text.find('@'); at != std::string::npos; at = text.find('@'))
    text.replace(at, 1, path_of(stage, ""));
  return text;
}

/// All records go to `all`, and to the handlers of these lines, which have these names.
std::string with_handlers(const Stage& stage, const std::string& all, const std::string& lines = "",
                          const std::string& names = "") {
  return with_paths(stage, R"(
version: 1
formatters: {line: {format: '%(name)s %(message)s'}}
handlers:
  all: {class: logging.FileHandler, filename: @)" +
                               all + R"(, formatter: line}
)" + lines + "root: {level: DEBUG, handlers: [all" +
                               names + "]}\n");
}

}  // namespace

std::string path_of(const Stage& stage, const std::string& name) {
  return stage.directory + "/logs/" + name;
}

std::string one_file(const Stage& stage) {
  return with_handlers(stage, "all.log");
}

std::string moved_file(const Stage& stage) {
  return with_handlers(stage, "moved.log");
}

std::string many_files(const Stage& stage) {
  std::string lines, names;
  for (int i = 0; i < 20; ++i) {
    const std::string name = "h" + std::to_string(i);
    lines += "  " + name + ": {class: logging.FileHandler, filename: @" + name + ".log, formatter: line}\n";
    names += ", " + name;
  }
  return with_handlers(stage, "all.log", lines, names);
}

std::string several_files(const Stage& stage) {
  return with_paths(stage, R"(
version: 1
formatters:
  line: {format: '%(name)s %(message)s'}
  a: {format: 'A %(message)s'}
  b: {format: 'B %(message)s'}
filters: {other: {name: other}}
handlers:
  all: {class: logging.FileHandler, filename: @all.log, formatter: line}
  some: {class: logging.FileHandler, filename: @some.log, mode: w, formatter: line, filters: [other]}
  watched: {class: logging.handlers.WatchedFileHandler, filename: @watched.log, formatter: line}
  a: {class: logging.FileHandler, filename: @pair.log, formatter: a}
  b: {class: logging.FileHandler, filename: @pair.log, formatter: b}
loggers:
  pair: {handlers: [a, b], propagate: false}
  quiet: {level: CRITICAL}
root: {level: DEBUG, handlers: [all, some, watched]}
)");
}

std::string encoded(const Stage& stage) {
  return with_handlers(stage, "all.log", R"(
  wide: {class: logging.FileHandler, filename: @wide.log, encoding: utf-16, delay: true, formatter: line}
)",
                       ", wide");
}

std::string rotating(const Stage& stage) {
  return rotating(stage, 6, 3);
}

std::string rotating(const Stage& stage, int many, int few) {
  const auto handler = [](const std::string& name, int bytes, int backups) {
    return "  " + name + ": {class: logging.handlers.RotatingFileHandler, filename: @" + name +
           ".log, maxBytes: " + std::to_string(bytes) + ", backupCount: " + std::to_string(backups) +
           ", formatter: line}\n";
  };
  return with_handlers(stage, "all.log", handler("many", 250, many) + handler("few", 150, few),
                       ", many, few");
}

std::string timed(const Stage& stage) {
  return with_handlers(stage, "all.log", R"(
  timed: {class: logging.handlers.TimedRotatingFileHandler, filename: @timed.log, when: midnight,
          backupCount: 1, formatter: line}
)",
                       ", timed");
}

std::string holding(std::string configuration) {
  return configuration + "logbus: {on_write_error: hold, hold_max: 1 h}\n";
}

namespace {
/// Of before a reload and behind it: `same` goes on as it was, `other` is made anew, with the same lines.
std::string reloaded(const Stage& stage, const std::string& all, const std::string& level) {
  return with_handlers(stage, all,
                       R"(
  same: {class: logging.FileHandler, filename: @same.log, mode: w, formatter: line}
  other: {class: logging.FileHandler, filename: @other.log, mode: w, formatter: line, level: )" +
                           level + "}\n",
                       ", same, other");
}
}  // namespace

std::string before_reload(const Stage& stage) {
  return reloaded(stage, "all.log", "DEBUG");
}

std::string after_reload(const Stage& stage) {
  return reloaded(stage, "moved.log", "INFO");
}

}  // namespace logbus::kill_points
