// SPDX-License-Identifier: MIT
// The process's loggers: Python's Manager, and what each logger's calls read of it.
#pragma once

#include <atomic>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <logbus/filter.h>
#include <logbus/handler.h>
#include <logbus/level.h>
#include <logbus/log_record.h>
#include <logbus/logger.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

/// One logger. Lives as long as the process. All members under the tree's mutex but for those of Logger.
struct LoggerNode {
  LoggerNode(std::string_view logger_name, LoggerNode* parent_node);

  const std::string name;  // "root" for the root
  LoggerNode* parent;
  Level level = Level::kNotSet;
  bool propagate = true;
  std::vector<std::shared_ptr<Handler>> handlers;
  Filterer filters;
  Logger* logger;
};

/// Never destroyed: static destructors log too. Its mutex is held over fork(), so a child finds it free.
class LoggerTree {
 public:
  static LoggerTree& instance();

  Logger& get(std::string_view name);
  void disable(Level level);
  static const LoggerNode& node(const LoggerGate& gate) noexcept;

  /// Runs `change` on the node, then brings all loggers' gates up to date.
  template <class Change>
  void update(LoggerNode& node, Change change) {
    const std::lock_guard guard(mutex_);
    change(node);
    refresh();
  }
  template <class Read>
  auto read(const LoggerNode& node, Read read) const {
    const std::lock_guard guard(mutex_);
    return read(node);
  }
  static Level effective_level(const LoggerNode& node) noexcept;

  /// Does what Logger.handle does in Python: the logger's filters, then handlers up the tree, else the last
  /// resort.
  void handle(const LoggerNode& node, LogRecord& record) const;

  /// The handler for which loggers may take the direct way. Null: none, also once somebody may have changed
  /// it.
  void set_direct_handler(const Handler* handler);
  std::vector<std::shared_ptr<Handler>> handlers_of(const LoggerNode& node);

 private:
  LoggerTree();
  LoggerNode& get_node(const std::string& name);
  void refresh() noexcept;
  bool is_direct(const LoggerNode& node) const noexcept;

  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<LoggerNode>, std::less<>> nodes_;
  std::unique_ptr<LoggerNode> root_;
  const Handler* direct_handler_ = nullptr;
  int disabled_ = 0;
};

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
