// SPDX-License-Identifier: MIT
// Logger's methods that are not logging calls.
#include <logbus/logger.h>

#include <algorithm>
#include <string>
#include <utility>

#include "producer/logger_tree.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

using detail::LoggerNode;
using detail::LoggerTree;

Logger::Logger(LoggerNode& node, std::uint64_t name_hash) noexcept
    : detail::LoggerGate{0, name_hash}, node_(node) {}

Logger& get_logger(std::string_view name) noexcept {
  try {
    return LoggerTree::instance().get(name);
  } catch (...) {
    return LoggerTree::instance().get({});
  }
}

void disable(Level level) noexcept {
  LoggerTree::instance().disable(level);
}

void Logger::set_level(Level level) noexcept {
  LoggerTree::instance().update(node_, [level](LoggerNode& node) { node.level = level; });
}

Level Logger::level() const noexcept {
  return LoggerTree::instance().read(node_, [](const LoggerNode& node) { return node.level; });
}

Level Logger::get_effective_level() const noexcept {
  return LoggerTree::instance().read(
      node_, [](const LoggerNode& node) { return LoggerTree::effective_level(node); });
}

std::string_view Logger::name() const noexcept {
  return node_.name;
}

Logger& Logger::get_child(std::string_view suffix) noexcept {
  try {
    if (parent() == nullptr) return get_logger(suffix);
    std::string name = node_.name;
    name += '.';
    name += suffix;
    return get_logger(name);
  } catch (...) {
    return *this;
  }
}

Logger* Logger::parent() const noexcept {
  return LoggerTree::instance().read(
      node_, [](const LoggerNode& node) { return node.parent == nullptr ? nullptr : node.parent->logger; });
}

void Logger::set_propagate(bool propagate) noexcept {
  LoggerTree::instance().update(node_, [propagate](LoggerNode& node) { node.propagate = propagate; });
}

bool Logger::propagate() const noexcept {
  return LoggerTree::instance().read(node_, [](const LoggerNode& node) { return node.propagate; });
}

void Logger::add_handler(std::shared_ptr<Handler> handler) {
  if (handler == nullptr) return;
  LoggerTree::instance().update(node_, [&handler](LoggerNode& node) {
    if (std::find(node.handlers.begin(), node.handlers.end(), handler) == node.handlers.end())
      node.handlers.push_back(std::move(handler));
  });
}

void Logger::remove_handler(const std::shared_ptr<Handler>& handler) noexcept {
  std::shared_ptr<Handler> last;  // destroyed outside the lock: its destructor may log
  LoggerTree::instance().update(node_, [&](LoggerNode& node) {
    const auto found = std::find(node.handlers.begin(), node.handlers.end(), handler);
    if (found == node.handlers.end()) return;
    last = std::move(*found);
    node.handlers.erase(found);
  });
}

std::vector<std::shared_ptr<Handler>> Logger::handlers() const {
  return LoggerTree::instance().handlers_of(node_);
}

bool Logger::has_handlers() const noexcept {
  return LoggerTree::instance().read(node_, [](const LoggerNode& node) {
    for (const LoggerNode* at = &node; at != nullptr; at = at->propagate ? at->parent : nullptr) {
      if (!at->handlers.empty()) return true;
    }
    return false;
  });
}

void Logger::add_filter(std::shared_ptr<const Filter> filter) {
  LoggerTree::instance().update(node_,
                                [&filter](LoggerNode& node) { node.filters.add_filter(std::move(filter)); });
}

void Logger::remove_filter(const std::shared_ptr<const Filter>& filter) noexcept {
  LoggerTree::instance().update(node_, [&filter](LoggerNode& node) { node.filters.remove_filter(filter); });
}

}  // namespace abi1
}  // namespace logbus
