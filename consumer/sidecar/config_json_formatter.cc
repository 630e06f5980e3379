// SPDX-License-Identifier: MIT
#include "sidecar/config_json_formatter.h"

#include <array>

#include "sidecar/config_values.h"

namespace logbus::sidecar {
namespace {

using Dialect = JsonFormatterOptions::Dialect;

void read_renames(Section& section, JsonFormatterOptions& options) {
  const std::optional<Section> found = section.section("rename_fields");
  if (!found) return;
  for (const auto& [from, to] : found->node().entries) {
    if (from.is(Node::Kind::kString) && to.is(Node::Kind::kString)) {
      options.rename_fields.emplace_back(from.text, to.text);
    } else {
      const Node& wrong = from.is(Node::Kind::kString) ? to : from;
      section.diagnostics().error({wrong.mark, found->place().path},
                                  "expected names of fields, got " + describe(wrong));
    }
  }
}

// An integer counts spaces, a string is taken as it is.
void read_indent(Section& section, JsonFormatterOptions& options) {
  const Node* indent = section.value("json_indent");
  if (indent == nullptr) return;
  if (indent->is(Node::Kind::kString)) {
    options.indent = indent->text;
  } else if (const auto spaces = section.integer("json_indent", 0, 16)) {
    options.indent = std::string(static_cast<std::size_t>(*spaces), ' ');
  }
}

void read_timestamp(Section& section, JsonFormatterOptions& options) {
  const Node* timestamp = section.value("timestamp");
  if (timestamp == nullptr) return;
  if (timestamp->is(Node::Kind::kString)) {
    options.timestamp = timestamp->text;
  } else if (section.boolean("timestamp").value_or(false)) {
    options.timestamp = "timestamp";
  }
}

// What of python-json-logger is code.
void refuse_code(Section& section) {
  constexpr std::array<std::string_view, 3> kCode{"json_default", "json_encoder", "json_serializer"};
  for (const std::string_view key : kCode) {
    if (section.value(key) != nullptr)
      section.diagnostics().error(section.place(key), "is Python code, which a sidecar can't run: remove it");
  }
}

void read_own_options(Section& section, JsonFormatterOptions& options) {
  if (const auto flag = section.boolean("extra_fields")) options.extra_fields = *flag;
  if (const auto flag = section.boolean("utc")) options.format.utc = *flag;
  if (const auto chosen =
          section.choice("timespec", {"seconds", "milliseconds", "microseconds", "nanoseconds"}))
    options.fraction_digits = static_cast<int>(*chosen) * 3;
}

}  // namespace

void read_json_options(Section& section, bool as_factory, JsonFormatterOptions& options) {
  const bool python = options.dialect == Dialect::kPython;
  options.ensure_ascii = python;
  if (python && !as_factory) return;
  if (const auto text = section.string("prefix")) options.prefix = *text;
  if (const auto flag = section.truth("json_ensure_ascii")) options.ensure_ascii = *flag;
  if (const auto flag = section.truth("exc_info_as_array")) options.exc_info_as_array = *flag;
  if (const auto flag = section.truth("stack_info_as_array")) options.stack_info_as_array = *flag;
  if (const auto flag = section.truth("rename_fields_keep_missing"))
    options.rename_fields_keep_missing = *flag;
  options.static_fields = read_fields(section, "static_fields");
  read_renames(section, options);
  read_indent(section, options);
  read_timestamp(section, options);
  if (python) {
    options.reserved_attrs = read_strings(section, "reserved_attrs");
    refuse_code(section);
  } else {
    read_own_options(section, options);
  }
}

}  // namespace logbus::sidecar
