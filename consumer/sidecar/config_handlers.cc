// SPDX-License-Identifier: MIT
// The section `handlers`: what all handlers have, and their order. The rest is each kind's.
#include <algorithm>

#include <fmt/format.h>

#include "sidecar/config_parts.h"
#include "sidecar/handler_kind.h"
#include "sidecar/python_classes.h"

namespace logbus::sidecar {
namespace {

std::string_view last_part(std::string_view dotted) {
  return dotted.substr(dotted.rfind('.') + 1);
}

void refuse_class(Section& section, std::string_view key, const std::string& name) {
  std::vector<std::string_view> names;
  for (const HandlerKind& kind : handler_kinds()) names.push_back(kind.name);
  std::string sentence;
  if (std::string advice = python_class_advice(name); !advice.empty()) {
    sentence = std::move(advice);
  } else {
    const auto same = std::find_if(names.begin(), names.end(), [&](std::string_view known) {
      return last_part(known) == last_part(name);
    });
    const std::string hint =
        same != names.end() ? fmt::format("; did you mean '{}'?", *same) : suggestion(name, names);
    sentence = fmt::format("unknown class {}{}", in_quotes(name),
                           hint.empty() ? "; there are " + enumerate(names) : hint);
  }
  section.diagnostics().error(section.place(key), sentence);
}

const HandlerKind* find_kind(Section& section) {
  const std::optional<std::string> factory = section.string("()");
  const std::optional<std::string> class_name = section.string("class");
  const std::string_view key = factory ? "()" : "class";
  const std::optional<std::string>& name = factory ? factory : class_name;
  if (!name) {
    if (section.value("class") == nullptr && section.value("()") == nullptr) {
      section.diagnostics().error(section.place(), "the key 'class' is missing");
    }
    return nullptr;
  }
  for (const HandlerKind& kind : handler_kinds())
    if (kind.name == *name) return &kind;
  refuse_class(section, key, *name);
  return nullptr;
}

HandlerSettings parse_handler(const std::string& name, Section& section, const Configuration& configuration,
                              const std::vector<std::string>& names) {
  HandlerSettings settings;
  settings.name = name;
  settings.place = section.place();
  const HandlerKind* kind = find_kind(section);
  std::vector<std::string> formatters, filters;
  for (const FormatterSettings& formatter : configuration.formatters) formatters.push_back(formatter.name);
  for (const FilterSettings& filter : configuration.filters) filters.push_back(filter.name);
  settings.level = section.level("level").value_or(Level::kNotSet);
  settings.formatter = section.name("formatter", "formatter", formatters);
  settings.filters = section.names("filters", "filter", filters);
  if (kind == nullptr) return settings;  // which keys it takes is not known
  settings.class_name = last_part(kind->name);
  static const Node kNothing;
  std::optional<Section> given = section.section(".");
  Section nothing(kNothing, section.place(), section.diagnostics());
  Section& attributes = given ? *given : nothing;
  HandlerReading reading{section, attributes, names, configuration.formatters, configuration.bus, settings};
  kind->read(reading);
  attributes.unknown_keys(Section::Unknown::kAttribute);
  section.unknown_keys(Section::Unknown::kRefuse);
  return settings;
}

bool names(const std::vector<std::string>& targets, const std::string& name) {
  return std::find(targets.begin(), targets.end(), name) != targets.end();
}

// What is left can't be made: handlers that lead back to themselves, and those that need one of them.
void refuse_circles(const std::vector<HandlerSettings>& left, Diagnostics& diagnostics) {
  for (const HandlerSettings& handler : left) {
    std::vector<std::string> reached = handler.targets;
    for (std::size_t next = 0; next < reached.size() && !names(reached, handler.name); ++next) {
      for (const HandlerSettings& other : left) {
        if (other.name != reached[next]) continue;
        for (const std::string& target : other.targets)
          if (!names(reached, target)) reached.push_back(target);
      }
    }
    if (names(reached, handler.name))
      diagnostics.error(handler.place, "its records would come back to itself: " + handler.name + " -> " +
                                           handler.targets.front());
  }
}

// Python's order of construction: by name, but what gives its records to a handler comes after it.
std::vector<HandlerSettings> in_order(std::vector<HandlerSettings> waiting, Diagnostics& diagnostics) {
  std::vector<HandlerSettings> ordered;
  const auto is_ready = [&](const HandlerSettings& handler) {
    return std::all_of(handler.targets.begin(), handler.targets.end(), [&](const std::string& target) {
      return std::any_of(ordered.begin(), ordered.end(),
                         [&](const HandlerSettings& done) { return done.name == target; });
    });
  };
  while (!waiting.empty()) {
    std::vector<HandlerSettings> deferred;
    for (HandlerSettings& handler : waiting)
      (is_ready(handler) ? ordered : deferred).push_back(std::move(handler));
    if (deferred.size() == waiting.size()) {
      refuse_circles(deferred, diagnostics);
      break;
    }
    waiting = std::move(deferred);
  }
  return ordered;
}

}  // namespace

void parse_handlers(Section& root, Configuration& configuration) {
  auto sections = root.sections("handlers");
  std::sort(sections.begin(), sections.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (const auto& [name, section] : sections) names.push_back(name);
  std::vector<HandlerSettings> handlers;
  for (auto& [name, section] : sections)
    handlers.push_back(parse_handler(name, section, configuration, names));
  configuration.handlers = in_order(std::move(handlers), root.diagnostics());
}

}  // namespace logbus::sidecar
