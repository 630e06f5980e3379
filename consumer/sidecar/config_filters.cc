// SPDX-License-Identifier: MIT
// The section `filters`.
#include <fmt/format.h>

#include <logbus/identity_filter.h>

#include "sidecar/config_parts.h"
#include "sidecar/python_classes.h"

namespace logbus::sidecar {

void parse_filters(Section& root, Configuration& configuration) {
  for (auto& [name, section] : root.sections("filters")) {
    const std::optional<std::string> factory = section.string("()");
    if (factory == "logbus.IdentityFilter") {
      configuration.filters.push_back({name, std::make_shared<const IdentityFilter>()});
      section.unknown_keys(Section::Unknown::kRefuse);
      continue;
    }
    if (factory && *factory != "logging.Filter") {
      const std::string advice = python_class_advice(*factory);
      section.diagnostics().error(
          section.place("()"),
          advice.empty()
              ? fmt::format("unknown filter {}; there are logging.Filter and logbus.IdentityFilter",
                            in_quotes(*factory))
              : advice);
      configuration.filters.push_back({name, std::make_shared<const Filter>()});
      continue;  // which keys it takes is not known
    }
    configuration.filters.push_back(
        {name, std::make_shared<const Filter>(section.string("name").value_or(""))});
    const Node* logger = section.find("name");
    if (logger != nullptr && logger->is(Node::Kind::kNull)) section.expected("name", "a string");
    section.unknown_keys(factory ? Section::Unknown::kRefuse : Section::Unknown::kForgive);
  }
}

}  // namespace logbus::sidecar
