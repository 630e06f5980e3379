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

bool writes_file(const HandlerSettings& handler) {
  return (handler.handler_class == HandlerClass::kFile ||
          handler.handler_class == HandlerClass::kRotatingFile) &&
         !handler.filename.empty();
}

// Looks, and touches nothing: that a file can be opened for writing is found out before any other is.
void check_file(Diagnostics& diagnostics, const HandlerSettings& handler) {
  namespace fs = std::filesystem;
  std::string problem;
  std::error_code error;
  const fs::path path = fs::absolute(handler.filename, error);
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
    const std::string sentence = fmt::format("cannot write {}: {}", in_quotes(handler.filename), problem);
    if (handler.delay) {
      diagnostics.warning(handler.filename_place, sentence);  // it may come to be until the first record
    } else {
      diagnostics.error(handler.filename_place, sentence);
    }
  }
  if (!fs::path(handler.filename).is_absolute()) {
    diagnostics.note(handler.filename_place,
                     fmt::format("relative to the working directory, now {}", in_quotes(path.string())));
  }
}

void check_files(Diagnostics& diagnostics, const Configuration& configuration) {
  namespace fs = std::filesystem;
  std::vector<std::pair<std::string, const HandlerSettings*>> seen;
  for (const HandlerSettings& handler : configuration.handlers) {
    if (!writes_file(handler)) continue;
    check_file(diagnostics, handler);
    std::error_code error;
    const std::string path = fs::absolute(handler.filename, error).lexically_normal().string();
    const auto same =
        std::find_if(seen.begin(), seen.end(), [&](const auto& entry) { return entry.first == path; });
    if (same != seen.end() && path != "/dev/null") {
      diagnostics.warning(handler.filename_place,
                          fmt::format("the handler {} writes the same file", in_quotes(same->second->name)));
    }
    seen.emplace_back(path, &handler);
  }
}

// The one QueueHandler that is the bus itself: no logger has any other handler. Anything else would need a
// queue and a thread of its own.
void check_queues(Diagnostics& diagnostics, const Configuration& configuration) {
  std::set<std::string> attached;
  for (const LoggerSettings& logger : configuration.loggers)
    attached.insert(logger.handlers.begin(), logger.handlers.end());
  const auto find = [&](const std::string& name) {
    return std::find_if(configuration.handlers.begin(), configuration.handlers.end(),
                        [&](const HandlerSettings& handler) { return handler.name == name; });
  };
  for (const HandlerSettings& handler : configuration.handlers) {
    if (handler.handler_class != HandlerClass::kQueue) continue;
    if (attached != std::set<std::string>{handler.name}) {
      diagnostics.error(handler.place,
                        "a QueueHandler with a queue of its own is not in this version: it must be the only "
                        "handler that any logger has, and then stands for the bus");
      continue;
    }
    for (const std::string& name : handler.handlers) {
      const auto target = find(name);
      if (target->handler_class == HandlerClass::kQueue) {
        diagnostics.error(handler.place, "a QueueHandler behind a QueueHandler is not in this version");
      } else if (target->level != Level::kNotSet && !handler.respect_handler_level) {
        diagnostics.note({target->place.mark, target->place.path + ".level"},
                         fmt::format("ignored, as in Python: {} does not say respect_handler_level: true",
                                     in_quotes(handler.name)));
      }
    }
  }
}

}  // namespace

void check_whole(Section& root, const Configuration& configuration) {
  Diagnostics& diagnostics = root.diagnostics();
  check_files(diagnostics, configuration);
  check_queues(diagnostics, configuration);
  const LoggerSettings& top = configuration.loggers.front();
  if (!top.level)
    diagnostics.note(Place{root.place("root").mark, "root"},
                     "no level: WARNING applies, to the loggers without one too");
}

}  // namespace logbus::sidecar
