// SPDX-License-Identifier: MIT
// Which QueueHandler stands for the bus, and what is said about the others.
#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "sidecar/config_parts.h"

namespace logbus::sidecar {
namespace {

HandlerSettings* find_handler(Configuration& configuration, std::string_view name) {
  const auto found = std::find_if(configuration.handlers.begin(), configuration.handlers.end(),
                                  [&](const HandlerSettings& handler) { return handler.name == name; });
  return found == configuration.handlers.end() ? nullptr : &*found;
}

// `listener: NAME`, or the only QueueHandler there is.
void settle_listener(Section& section, Configuration& configuration) {
  std::string& listener = configuration.bus.listener;
  if (listener.empty()) {
    for (const HandlerSettings& handler : configuration.handlers) {
      if (!handler.queue) continue;
      if (!listener.empty()) {
        section.diagnostics().error(section.place("dispatch"),
                                    "there are several QueueHandlers; say which with 'listener'");
        return;
      }
      listener = handler.name;
    }
  }
  HandlerSettings* handler = find_handler(configuration, listener);
  if (handler != nullptr && handler->queue) {
    handler->queue->is_bus = true;
  } else {
    section.diagnostics().error(section.place(listener.empty() ? "dispatch" : "listener"),
                                listener.empty()
                                    ? std::string("there is no QueueHandler whose handlers could be called")
                                    : fmt::format("there is no QueueHandler named {}", in_quotes(listener)));
  }
}

// The only handler that any logger has is in the drain itself. Any other has a queue and a thread of its own.
void settle_tree(Configuration& configuration) {
  std::set<std::string> attached;
  for (const LoggerSettings& logger : configuration.loggers)
    attached.insert(logger.handlers.begin(), logger.handlers.end());
  if (attached.size() != 1) return;
  HandlerSettings* handler = find_handler(configuration, *attached.begin());
  if (handler != nullptr && handler->queue) handler->queue->is_bus = true;
}

void remark(Configuration& configuration, const HandlerSettings& handler, Diagnostics& diagnostics) {
  if (!handler.formatter.empty() && !configuration.bus.prepares_like_python) {
    diagnostics.warning(
        {handler.place.mark, handler.place.path + ".formatter"},
        "ignored: message and arguments stay unmerged until the handlers behind it; 'prepare: python' "
        "under 'logbus' merges them here");
  }
  if (handler.targets.empty()) {
    diagnostics.warning(handler.place, "has no handlers behind it: its records are discarded");
  }
  for (const std::string& name : handler.targets) {
    const HandlerSettings* target = find_handler(configuration, name);
    if (target == nullptr || target->level == Level::kNotSet || handler.queue->respect_handler_level)
      continue;
    diagnostics.note({target->place.mark, target->place.path + ".level"},
                     fmt::format("ignored, as in Python: {} does not say respect_handler_level: true",
                                 in_quotes(handler.name)));
  }
}

}  // namespace

void settle_queues(Section& root, Configuration& configuration) {
  std::optional<Section> section = root.section("logbus");
  if (configuration.bus.by_listener && section) {
    settle_listener(*section, configuration);
  } else {
    settle_tree(configuration);
  }
  for (const HandlerSettings& handler : configuration.handlers)
    if (handler.queue) remark(configuration, handler, root.diagnostics());
}

}  // namespace logbus::sidecar
