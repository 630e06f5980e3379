// SPDX-License-Identifier: MIT
// What is only wrong, or surprising, when all the parts of a configuration are seen together.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include "sidecar/config_parts.h"

namespace logbus::sidecar {
namespace {

// Looks, and touches nothing: that a file can be opened for writing is found out before any other is.
void check_file(Diagnostics& diagnostics, const FileSettings& file) {
  namespace fs = std::filesystem;
  std::string problem;
  std::error_code error;
  const fs::path path = fs::absolute(file.filename, error);
  struct stat status = {};
  if (::stat(path.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) {
      problem = "is a directory";
    } else if (::access(path.c_str(), W_OK) != 0) {
      problem = std::strerror(errno);
    }
  } else if (errno != ENOENT) {
    problem = std::strerror(errno);
  } else if (const std::string parent = path.parent_path().string(); ::stat(parent.c_str(), &status) != 0) {
    problem = fmt::format("the directory {} does not exist", in_quotes(parent));
  } else if (::access(parent.c_str(), W_OK | X_OK) != 0) {
    problem = fmt::format("the directory {}: {}", in_quotes(parent), std::strerror(errno));
  }
  if (!problem.empty()) {
    const std::string sentence = fmt::format("cannot write {}: {}", in_quotes(file.filename), problem);
    if (file.delay) {
      diagnostics.warning(file.place, sentence);  // it may come to be until the first record
    } else {
      diagnostics.error(file.place, sentence);
    }
  }
  if (!fs::path(file.filename).is_absolute()) {
    diagnostics.note(file.place,
                     fmt::format("relative to the working directory, now {}", in_quotes(path.string())));
  }
}

void check_files(Diagnostics& diagnostics, const Configuration& configuration) {
  namespace fs = std::filesystem;
  std::vector<std::pair<std::string, const HandlerSettings*>> seen;
  for (const HandlerSettings& handler : configuration.handlers) {
    if (!handler.file || handler.file->filename.empty()) continue;
    check_file(diagnostics, *handler.file);
    std::error_code error;
    const std::string path = fs::absolute(handler.file->filename, error).lexically_normal().string();
    const auto same =
        std::find_if(seen.begin(), seen.end(), [&](const auto& entry) { return entry.first == path; });
    if (same != seen.end() && path != "/dev/null") {
      diagnostics.warning(handler.file->place,
                          fmt::format("the handler {} writes the same file", in_quotes(same->second->name)));
    }
    seen.emplace_back(path, &handler);
  }
}

// Handlers that the drain's own thread comes to, from these on.
void collect_direct(const Configuration& configuration, const std::vector<std::string>& names,
                    std::set<const HandlerSettings*>& direct) {
  for (const HandlerSettings& handler : configuration.handlers) {
    if (std::find(names.begin(), names.end(), handler.name) == names.end()) continue;
    if ((handler.queue && !handler.queue->is_bus) || !direct.insert(&handler).second) continue;
    collect_direct(configuration, handler.targets, direct);
  }
}

void advise_queues(Diagnostics& diagnostics, const Configuration& configuration) {
  std::set<const HandlerSettings*> direct;
  if (configuration.bus.by_listener) {
    collect_direct(configuration, {configuration.bus.listener}, direct);
  } else {
    for (const LoggerSettings& logger : configuration.loggers)
      collect_direct(configuration, logger.handlers, direct);
  }
  for (const HandlerSettings& handler : configuration.handlers) {
    if (handler.network && direct.count(&handler) != 0) {
      diagnostics.note(handler.place,
                       "all handlers wait while this one waits for its server: behind a QueueHandler of its "
                       "own it would hold up nobody");
    }
  }
}

}  // namespace

void check_whole(Section& root, const Configuration& configuration) {
  Diagnostics& diagnostics = root.diagnostics();
  check_files(diagnostics, configuration);
  advise_queues(diagnostics, configuration);
  const LoggerSettings& top = configuration.loggers.front();
  if (!top.level)
    diagnostics.note(Place{root.place("root").mark, "root"},
                     "no level: WARNING applies, to the loggers without one too");
}

}  // namespace logbus::sidecar
