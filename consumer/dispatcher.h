// SPDX-License-Identifier: MIT
// The logger tree that records of other processes go through, as in a process that ran Python.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <logbus/filter.h>
#include <logbus/handler.h>
#include <logbus/level.h>
#include <logbus/log_record.h>

namespace logbus::consumer {

/// One configured logger. Handlers and filters are shared: several loggers may name the same.
struct LoggerNode {
  std::string name;              // "" or "root": the root logger
  Level level = Level::kNotSet;  // kNotSet: the nearest ancestor's
  bool propagate = true;
  std::vector<std::shared_ptr<Handler>> handlers;
  std::vector<std::shared_ptr<const Filter>> filters;
};

/// For one thread. The tree is fixed; a record costs one hash look-up of its logger's name.
/// Source: logging.Logger.isEnabledFor, handle and callHandlers.
class Dispatcher {
 public:
  /// Without a node for root, root is at WARNING and has no handler. `last_resort` gets what finds no handler
  /// at all, if its level lets it; null: nothing does.
  Dispatcher(std::vector<LoggerNode> loggers, std::shared_ptr<Handler> last_resort);

  /// Gives the record to the handlers that Python would. Logger filters may change it.
  void handle(LogRecord& record);
  /// The handlers that every record of this logger and level goes to; nothing if the logger's filters decide.
  std::optional<std::vector<Handler*>> handlers_for(std::string_view name, int levelno) const;

 private:
  struct NameHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const noexcept {
      return std::hash<std::string_view>{}(name);
    }
  };
  template <class T>
  using NameMap = std::unordered_map<std::string, T, NameHash, std::equal_to<>>;

  /// What becomes of the records of a configured logger, and of those below it up to the next configured one.
  struct Route {
    int level = 0;                   // effective
    std::vector<Handler*> handlers;  // its own, then its parent's ...
    Filterer filters;                // of the logger itself, not of those below
  };
  struct Target {
    const Route* route = nullptr;
    bool exact = false;  // the name is the configured logger's own
  };

  Target find(std::string_view name);
  /// Calls `give` for each handler that lets the level pass.
  template <class Give>
  void give_to_handlers(const Route& route, int levelno, Give give) const;
  Target resolve(std::string_view name) const;

  std::vector<LoggerNode> loggers_;  // keeps the handlers
  std::shared_ptr<Handler> last_resort_;
  NameMap<Route> routes_;  // by configured name; root is ""
  NameMap<Target> cache_;  // by name as seen in records
  std::string last_name_;  // of the record before
  Target last_{};
};

}  // namespace logbus::consumer
