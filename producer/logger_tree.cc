// SPDX-License-Identifier: MIT
// The process's loggers.
#include "producer/logger_tree.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

#include "producer/last_resort.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

LoggerNode::LoggerNode(std::string_view logger_name, LoggerNode* parent_node)
    : name(logger_name), parent(parent_node), logger(nullptr) {}

LoggerTree& LoggerTree::instance() {
  static auto* tree = new LoggerTree;
  return *tree;
}

LoggerTree::LoggerTree() : root_(std::make_unique<LoggerNode>("root", nullptr)) {
  root_->level = Level::kWarning;
  root_->logger = new Logger(*root_, hash_of(root_->name));
  refresh();
  // A child has only the thread that forked: the mutex must not be another's at that moment.
  ::pthread_atfork([] { instance().mutex_.lock(); }, [] { instance().mutex_.unlock(); },
                   [] { instance().mutex_.unlock(); });
}

Logger& LoggerTree::get(std::string_view name) {
  const std::lock_guard guard(mutex_);
  if (name.empty() || name == root_->name) return *root_->logger;
  if (const auto found = nodes_.find(name); found != nodes_.end()) return *found->second->logger;
  return *get_node(std::string(name)).logger;
}

LoggerNode& LoggerTree::get_node(const std::string& name) {
  LoggerNode* parent = root_.get();
  for (std::size_t dot = name.rfind('.'); dot != std::string::npos && dot > 0;
       dot = name.rfind('.', dot - 1)) {
    if (const auto found = nodes_.find(std::string_view(name).substr(0, dot)); found != nodes_.end()) {
      parent = found->second.get();
      break;
    }
  }
  auto made = std::make_unique<LoggerNode>(name, parent);
  made->logger = new Logger(*made, hash_of(name));
  LoggerNode& node = *nodes_.emplace(name, std::move(made)).first->second;
  // Loggers below that hung on our parent now hang on us. Their gates stay: we have no level and no handler
  // yet.
  const std::string below = name + ".";
  for (auto it = nodes_.lower_bound(below); it != nodes_.end() && it->first.starts_with(below); ++it) {
    if (it->second->parent == parent) it->second->parent = &node;
  }
  refresh();
  return node;
}

const LoggerNode& LoggerTree::node(const LoggerGate& gate) noexcept {
  return static_cast<const Logger&>(gate).node_;
}

Level LoggerTree::effective_level(const LoggerNode& node) noexcept {
  for (const LoggerNode* at = &node; at != nullptr; at = at->parent) {
    if (at->level != Level::kNotSet) return at->level;
  }
  return Level::kNotSet;
}

void LoggerTree::disable(Level level) {
  const std::lock_guard guard(mutex_);
  disabled_ = static_cast<int>(level);
  refresh();
}

bool LoggerTree::is_direct(const LoggerNode& node) const noexcept {
  if (direct_handler_ == nullptr || node.filters.has_filters()) return false;
  std::size_t reached = 0;
  for (const LoggerNode* at = &node; at != nullptr; at = at->propagate ? at->parent : nullptr) {
    for (const std::shared_ptr<Handler>& handler : at->handlers) {
      if (handler.get() != direct_handler_) return false;
      ++reached;
    }
  }
  return reached == 1;
}

void LoggerTree::refresh() noexcept {
  const auto refresh_one = [this](LoggerNode& node) {
    const std::int64_t level = static_cast<int>(effective_level(node));
    const std::int64_t threshold = std::max(level, std::int64_t{disabled_} + (disabled_ != 0));
    // Relaxed: see Logger::log.
    static_cast<LoggerGate&>(*node.logger)
        .gate.store(threshold * 2 + is_direct(node), std::memory_order_relaxed);
  };
  refresh_one(*root_);
  for (const auto& [name, node] : nodes_) refresh_one(*node);
}

void LoggerTree::handle(const LoggerNode& node, LogRecord& record) const {
  // What is reached is collected first: a handler may take long, and may log or change the tree itself.
  Filterer filters;
  std::vector<std::shared_ptr<Handler>> reached;
  {
    const std::lock_guard guard(mutex_);
    filters = node.filters;
    for (const LoggerNode* at = &node; at != nullptr; at = at->propagate ? at->parent : nullptr)
      reached.insert(reached.end(), at->handlers.begin(), at->handlers.end());
  }
  if (!filters.filter(record)) return;
  for (const std::shared_ptr<Handler>& handler : reached) {
    if (record.levelno >= static_cast<int>(handler->level())) handler->handle(record);
  }
  if (reached.empty() && record.levelno >= static_cast<int>(Level::kWarning))
    producer::last_resort().handle(record);
}

void LoggerTree::set_direct_handler(const Handler* handler) {
  const std::lock_guard guard(mutex_);
  direct_handler_ = handler;
  refresh();
}

std::vector<std::shared_ptr<Handler>> LoggerTree::handlers_of(const LoggerNode& node) {
  const std::lock_guard guard(mutex_);
  // The caller may give the bus's handler a level or a filter, which the direct way would not see.
  for (const std::shared_ptr<Handler>& handler : node.handlers) {
    if (handler.get() == direct_handler_) direct_handler_ = nullptr;
  }
  refresh();
  return node.handlers;
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
