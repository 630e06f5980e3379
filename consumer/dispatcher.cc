// SPDX-License-Identifier: MIT
#include "dispatcher.h"

#include <algorithm>

namespace logbus::consumer {
namespace {

// Names come from other processes, and a program may make one a request. Beyond this the cache starts afresh.
constexpr std::size_t kMostCachedNames = 1 << 16;
// A name may be as long as a record. Of such ones so many would fill the memory.
constexpr std::size_t kLongestCachedName = 256;

std::string_view canonical(std::string_view name) {
  return name == "root" ? std::string_view() : name;
}

// The name above, as logging.Manager._fixupParents cuts it: the character before a dot is never a dot that
// counts, and a dot in front is none. "a..b" -> "a." -> "a" -> "".
std::string_view parent_name(std::string_view name, std::size_t& end) {
  const std::size_t dot = end == 0 ? std::string_view::npos : name.substr(0, end).rfind('.');
  if (dot == std::string_view::npos || dot == 0) {
    end = 0;
    return {};
  }
  end = dot - 1;
  return name.substr(0, dot);
}

}  // namespace

Dispatcher::Dispatcher(std::vector<LoggerNode> loggers, std::shared_ptr<Handler> last_resort)
    : loggers_(std::move(loggers)), last_resort_(std::move(last_resort)) {
  NameMap<const LoggerNode*> nodes;
  for (const LoggerNode& node : loggers_) nodes.emplace(canonical(node.name), &node);
  const LoggerNode default_root{.name = "", .level = Level::kWarning, .handlers = {}, .filters = {}};
  nodes.try_emplace("", &default_root);
  for (const auto& [name, own] : nodes) {
    Route route;
    for (const auto& filter : own->filters) route.filters.add_filter(filter);
    bool propagate = true;
    bool has_level = false;
    std::size_t end = name.size();
    for (std::string_view at = name;; at = parent_name(name, end)) {
      const auto found = nodes.find(at);
      if (found != nodes.end()) {
        const LoggerNode& node = *found->second;
        if (!has_level && node.level != Level::kNotSet) {
          route.level = static_cast<int>(node.level);
          has_level = true;
        }
        if (propagate) {
          for (const auto& handler : node.handlers) route.handlers.push_back(handler.get());
        }
        propagate = propagate && node.propagate;
      }
      if (at.empty()) break;
    }
    // Logger.isEnabledFor: manager.disable is 0, and what isn't above it is disabled.
    route.level = std::max(route.level, 1);
    routes_.emplace(name, std::move(route));
  }
}

Dispatcher::Target Dispatcher::resolve(std::string_view name) const {
  std::size_t end = name.size();
  for (std::string_view at = name;; at = parent_name(name, end)) {
    const auto found = routes_.find(at);
    if (found != routes_.end()) return {&found->second, at.size() == name.size()};  // root is always found
  }
}

Dispatcher::Target Dispatcher::find(std::string_view name) {
  // Records of one logger come in runs.
  if (last_.route != nullptr && name == last_name_) return last_;
  if (name.size() > kLongestCachedName) return resolve(canonical(name));
  last_name_ = name;
  name = canonical(name);
  const auto cached = cache_.find(name);
  if (cached != cache_.end()) return last_ = cached->second;
  if (cache_.size() >= kMostCachedNames) cache_.clear();
  return last_ = cache_.emplace(name, resolve(name)).first->second;
}

template <class Give>
void Dispatcher::give_to_handlers(const Route& route, int levelno, Give give) const {
  const auto passes = [levelno](const Handler& handler) {
    return levelno >= static_cast<int>(handler.level());
  };
  for (Handler* handler : route.handlers)
    if (passes(*handler)) give(*handler);
  if (route.handlers.empty() && last_resort_ != nullptr && passes(*last_resort_)) give(*last_resort_);
}

void Dispatcher::handle(LogRecord& record) {
  const Target target = find(record.name);
  const Route& route = *target.route;
  if (record.levelno < route.level) return;
  if (target.exact && route.filters.has_filters() && !route.filters.filter(record)) return;
  give_to_handlers(route, record.levelno, [&record](Handler& handler) { handler.handle(record); });
}

std::optional<std::vector<Handler*>> Dispatcher::handlers_for(std::string_view name, int levelno) const {
  const Target target = resolve(canonical(name));
  std::vector<Handler*> handlers;
  if (levelno < target.route->level) return handlers;
  if (target.exact && target.route->filters.has_filters()) return std::nullopt;
  give_to_handlers(*target.route, levelno, [&handlers](Handler& handler) { handlers.push_back(&handler); });
  return handlers;
}

}  // namespace logbus::consumer
