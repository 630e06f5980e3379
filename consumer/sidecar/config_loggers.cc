// SPDX-License-Identifier: MIT
// The sections `loggers` and `root`.
#include "sidecar/config_parts.h"

namespace logbus::sidecar {
namespace {

// What both sections have. Python replaces handlers and adds filters; a level that is absent or null stays as
// it is.
void parse_common(Section& section, const Configuration& configuration, LoggerSettings& logger) {
  std::vector<std::string> handlers, filters;
  for (const HandlerSettings& handler : configuration.handlers) handlers.push_back(handler.name);
  for (const FilterSettings& filter : configuration.filters) filters.push_back(filter.name);
  if (const auto level = section.level("level")) logger.level = level;
  logger.handlers = section.names("handlers", "handler", handlers);
  for (std::string& name : section.names("filters", "filter", filters))
    logger.filters.push_back(std::move(name));
}

}  // namespace

void parse_loggers(Section& root, Configuration& configuration) {
  configuration.loggers.push_back({});
  for (auto& [name, section] : root.sections("loggers")) {
    // getLogger("") and getLogger("root") are the root logger itself.
    const bool is_root = name.empty() || name == "root";
    LoggerSettings own;
    own.name = name;
    LoggerSettings& logger = is_root ? configuration.loggers.front() : own;
    parse_common(section, configuration, logger);
    const Node* propagate = section.find("propagate");
    if (propagate != nullptr && !propagate->is(Node::Kind::kNull))  // None leaves it as it is
      logger.propagate = section.truth("propagate").value_or(true);
    section.unknown_keys(Section::Unknown::kForgive);
    if (!is_root) configuration.loggers.push_back(std::move(own));
  }
  std::optional<Section> section = root.section("root");
  if (!section || section->node().entries.empty()) return;  // Python: an empty one changes nothing
  parse_common(*section, configuration, configuration.loggers.front());
  section->find("propagate");  // known, and without a meaning
  section->unknown_keys(Section::Unknown::kForgive);
}

}  // namespace logbus::sidecar
