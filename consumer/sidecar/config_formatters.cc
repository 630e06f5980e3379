// SPDX-License-Identifier: MIT
// The section `formatters`.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include <logbus/error.h>
#include <logbus/json_formatter.h>

#include "sidecar/config_json_formatter.h"
#include "sidecar/config_parts.h"
#include "sidecar/config_values.h"
#include "sidecar/python_classes.h"

namespace logbus::sidecar {
namespace {

enum class FormatterClass { kLines, kJson, kPythonJson };

struct KnownClass {
  std::string_view name;
  FormatterClass formatter_class;
};
constexpr std::array kClasses{
    KnownClass{"logging.Formatter", FormatterClass::kLines},
    KnownClass{"logbus.JsonFormatter", FormatterClass::kJson},
    KnownClass{"pythonjsonlogger.json.JsonFormatter", FormatterClass::kPythonJson},
    KnownClass{"pythonjsonlogger.jsonlogger.JsonFormatter", FormatterClass::kPythonJson},
};

struct ClassChoice {
  std::optional<FormatterClass> formatter_class = FormatterClass::kLines;  // nothing: not known
  bool as_factory = false;  // `()`: all keys are its arguments; `class`: Python hands on some, and no `.`
};

ClassChoice read_class(Section& section) {
  for (const std::string_view key : {"()", "class"}) {
    const std::optional<std::string> name = section.string(key);
    if (!name) continue;
    const bool as_factory = key == "()";
    std::vector<std::string_view> names;
    for (const KnownClass& known : kClasses) {
      if (known.name == *name) return {known.formatter_class, as_factory};
      names.push_back(known.name);
    }
    std::string sentence = python_class_advice(*name);
    if (sentence.empty()) {
      const std::string hint = suggestion(*name, names);
      sentence = fmt::format("unknown formatter {}{}", in_quotes(*name),
                             hint.empty() ? "; there are " + enumerate(names) : hint);
    }
    section.diagnostics().error(section.place(key), sentence);
    return {std::nullopt, as_factory};
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
  found->unknown_keys(Section::Unknown::kAttribute);
}

void read_style(Section& section, std::string_view known, FormatterOptions& options) {
  const std::optional<std::string> text = section.string("style");
  if (!text) return;
  if (text->size() == 1 && known.find((*text)[0]) != std::string_view::npos) {
    options.style = (*text)[0];
    return;
  }
  std::vector<std::string> quoted;
  for (const char c : known) quoted.push_back(in_quotes({&c, 1}));
  section.expected("style", "one of " + enumerate({quoted.begin(), quoted.end()}));
}

std::shared_ptr<const Formatter> make(FormatterClass formatter_class, JsonFormatterOptions options) {
  if (formatter_class == FormatterClass::kLines)
    return std::make_shared<const Formatter>(std::move(options.format));
  return std::make_shared<const JsonFormatter>(std::move(options));
}

// Which fields a JSON formatter has can also be a list.
void read_format(Section& section, std::string_view key, bool json, JsonFormatterOptions& options) {
  const Node* format = section.value(key);
  if (json && format != nullptr && format->is(Node::Kind::kList)) {
    options.fields = read_strings(section, key).value_or(std::vector<std::string>{});
  } else if (const auto text = section.string(key)) {
    options.format.format = *text;
  }
}

// Python hands these on to a factory alone.
void warn_of_lost_keys(Section& section) {
  constexpr std::array<std::string_view, 13> kLost{".",
                                                   "fmt",
                                                   "prefix",
                                                   "rename_fields",
                                                   "rename_fields_keep_missing",
                                                   "static_fields",
                                                   "reserved_attrs",
                                                   "timestamp",
                                                   "json_indent",
                                                   "json_ensure_ascii",
                                                   "exc_info_as_array",
                                                   "stack_info_as_array",
                                                   "json_serializer"};
  for (const std::string_view key : kLost) {
    if (section.find(key) != nullptr)
      section.diagnostics().warning(section.place(key),
                                    "ignored, as in Python; with '()' for 'class' it counts");
  }
}

FormatterSettings parse_formatter(const std::string& name, Section& section) {
  FormatterSettings settings{name, nullptr};
  JsonFormatterOptions options;
  const std::size_t errors = section.diagnostics().errors();
  const auto [formatter_class, as_factory] = read_class(section);
  if (!formatter_class) return settings;  // which keys it takes is not known
  const bool lines = formatter_class == FormatterClass::kLines;
  const bool python_json = formatter_class == FormatterClass::kPythonJson;
  std::string_view format_key = "format";
  if (as_factory && section.value("fmt") != nullptr) format_key = "fmt";
  read_format(section, format_key, !lines, options);
  if (const auto text = section.string("datefmt")) options.format.datefmt = *text;
  read_style(section, lines ? "%{$" : "%{$,", options.format);
  if (const auto flag = section.truth("validate")) options.format.validate = *flag;
  options.format.defaults = read_fields(section, "defaults");
  if (lines) {
    if (const auto flag = section.boolean("escape")) options.format.escape = *flag;
  } else {
    options.dialect =
        python_json ? JsonFormatterOptions::Dialect::kPython : JsonFormatterOptions::Dialect::kLogbus;
    read_json_options(section, as_factory, options);
  }
  const bool all_keys = as_factory || formatter_class == FormatterClass::kJson;
  if (all_keys) {
    attributes(section, options.format);
  } else {
    warn_of_lost_keys(section);
  }
  section.unknown_keys(all_keys ? Section::Unknown::kRefuse : Section::Unknown::kForgive);
  if (section.diagnostics().errors() != errors) return settings;
  try {
    settings.formatter = make(*formatter_class, std::move(options));
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

}  // namespace logbus::sidecar
