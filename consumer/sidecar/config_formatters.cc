// SPDX-License-Identifier: MIT
// The sections `formatters` and `filters`.
#include <fmt/format.h>

#include <logbus/error.h>

#include "sidecar/config_parts.h"

namespace logbus::sidecar {
namespace {

// What a formatter's `defaults` may hold becomes the same value of Python's kind.
Value to_value(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kBool:
      return node.boolean;
    case Node::Kind::kInteger:
      return node.integer;
    case Node::Kind::kFloat:
      return node.real;
    case Node::Kind::kString:
    case Node::Kind::kTimestamp:
    case Node::Kind::kExternal:
      return node.text;
    case Node::Kind::kList: {
      List list;
      for (const Node& item : node.items) list.push_back(to_value(item));
      return list;
    }
    case Node::Kind::kMap: {
      Dict dict;
      for (const auto& [key, value] : node.entries) dict.emplace_back(to_value(key), to_value(value));
      return dict;
    }
    case Node::Kind::kNull:
    case Node::Kind::kInvalid:
      break;
  }
  return None{};
}

constexpr std::string_view kFormatter = "logging.Formatter";

// `class: logging.Formatter` and `(): logging.Formatter` are the same but for the keys they take.
// Gives the key that names the class, or "" if neither does.
std::string_view check_class(Section& section) {
  for (const std::string_view key : {"()", "class"}) {
    const std::optional<std::string> name = section.string(key);
    if (!name) continue;
    if (*name != kFormatter) {
      section.diagnostics().error(
          section.place(key), fmt::format("unknown formatter {}; there is {}", in_quotes(*name), kFormatter));
    }
    return key;
  }
  return {};
}

// The attributes under `.`, which Python sets on what a factory has made.
void attributes(Section& section, FormatterOptions& options) {
  std::optional<Section> found = section.section(".");
  if (!found) return;
  if (const Node* converter = found->value("converter")) {
    if (converter->is(Node::Kind::kExternal) && converter->text == "time.gmtime") {
      options.utc = true;
    } else if (!converter->is(Node::Kind::kExternal) || converter->text != "time.localtime") {
      found->expected("converter", "ext://time.gmtime or ext://time.localtime");
    }
  }
  if (const auto text = found->string("default_time_format")) options.default_time_format = *text;
  if (const auto text = found->string("default_msec_format")) options.default_msec_format = *text;
  const Node* msec = found->find("default_msec_format");
  if (msec != nullptr && msec->is(Node::Kind::kNull))
    options.default_msec_format.clear();  // None: no milliseconds
  found->unknown_keys(Section::Unknown::kRefuse);
}

FormatterSettings parse_formatter(const std::string& name, Section& section) {
  FormatterOptions options;
  const std::size_t errors = section.diagnostics().errors();
  const std::string_view class_key = check_class(section);
  std::string_view format_key = "format";
  if (class_key == "()" && section.value("fmt") != nullptr) format_key = "fmt";
  if (const auto text = section.string(format_key)) options.format = *text;
  if (const auto text = section.string("datefmt")) options.datefmt = *text;
  if (const auto text = section.string("style")) {
    if (text->size() == 1 && std::string_view("%{$").find((*text)[0]) != std::string_view::npos) {
      options.style = (*text)[0];
    } else {
      section.expected("style", "one of \"%\", \"{\" and \"$\"");
    }
  }
  if (const auto flag = section.boolean("validate")) options.validate = *flag;
  if (std::optional<Section> defaults = section.section("defaults")) {
    for (const auto& [key, value] : defaults->node().entries) {
      if (key.is(Node::Kind::kString)) options.defaults.emplace_back(key.text, to_value(value));
    }
  }
  attributes(section, options);
  section.unknown_keys(class_key == "()" ? Section::Unknown::kRefuse : Section::Unknown::kForgive);
  FormatterSettings settings{name, nullptr};
  if (section.diagnostics().errors() != errors) return settings;
  try {
    settings.formatter = std::make_shared<const Formatter>(std::move(options));
  } catch (const Error& error) {
    section.diagnostics().error(section.place(format_key), error.what());
  }
  return settings;
}

}  // namespace

void parse_formatters(Section& root, Configuration& configuration) {
  for (auto& [name, section] : root.sections("formatters")) {
    configuration.formatters.push_back(parse_formatter(name, section));
  }
}

void parse_filters(Section& root, Configuration& configuration) {
  for (auto& [name, section] : root.sections("filters")) {
    const std::optional<std::string> factory = section.string("()");
    if (factory && *factory != "logging.Filter") {
      section.diagnostics().error(
          section.place("()"),
          fmt::format("unknown filter {}; there is logging.Filter", in_quotes(*factory)));
    }
    configuration.filters.push_back({name, section.string("name").value_or("")});
    section.unknown_keys(factory ? Section::Unknown::kRefuse : Section::Unknown::kForgive);
  }
}

}  // namespace logbus::sidecar
