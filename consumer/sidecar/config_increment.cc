// SPDX-License-Identifier: MIT
// `incremental: true`: what changes of a configuration in use.
#include <algorithm>

#include <fmt/format.h>

#include "sidecar/config_parts.h"

namespace logbus::sidecar {
namespace {

bool is_root(const std::string& name) {
  return name.empty() || name == "root";
}

Increment::Logger read_logger(const std::string& name, Section& section) {
  return {is_root(name) ? "" : name, section.level("level"), section.truth("propagate")};
}

}  // namespace

void parse_increment(Section& root, Configuration& configuration) {
  Increment& increment = configuration.increment.emplace();
  for (auto& [name, section] : root.sections("handlers"))
    increment.handlers.push_back({name, section.place(), section.level("level")});
  for (auto& [name, section] : root.sections("loggers"))
    increment.loggers.push_back(read_logger(name, section));
  if (std::optional<Section> section = root.section("root")) {
    increment.loggers.push_back({"", section->level("level"), std::nullopt});
  }
}

Configuration apply_increment(Configuration base, const Increment& increment, Diagnostics& diagnostics) {
  for (const auto& [name, place, level] : increment.handlers) {
    const auto found =
        std::find_if(base.handlers.begin(), base.handlers.end(),
                     [&, &wanted = name](const HandlerSettings& handler) { return handler.name == wanted; });
    if (found == base.handlers.end()) {
      diagnostics.error(
          place,
          fmt::format("No handler found with name {}: 'incremental' changes what is there", in_quotes(name)));
    } else if (level) {
      found->level = *level;
    }
  }
  for (const auto& [name, level, propagate] : increment.loggers) {
    auto found =
        std::find_if(base.loggers.begin(), base.loggers.end(),
                     [&, &wanted = name](const LoggerSettings& logger) { return logger.name == wanted; });
    if (found == base.loggers.end()) {
      found = base.loggers.emplace(found);
      found->name = name;
    }
    if (level) found->level = level;
    if (propagate) found->propagate = *propagate;
  }
  base.increment.reset();
  return base;
}

}  // namespace logbus::sidecar
