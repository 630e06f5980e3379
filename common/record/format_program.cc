// SPDX-License-Identifier: MIT
// Running a compiled format, and finding the fields it names.
#include "record/format_program.h"

#include <algorithm>

#include <fmt/format.h>

#include "record/brace_field.h"
#include "record/escaped_text.h"
#include "record/integer_text.h"
#include "record/python_error.h"
#include "record/value_text.h"

namespace logbus::record {
namespace {

[[noreturn]] void throw_missing(std::string_view key) {
  std::string text = "ValueError: Formatting field not found in record: ";
  append_string_repr(key, text);
  throw PythonError(text);
}

}  // namespace

// What stands before the members (overrides) or instead of them (extra fields, defaults).
const Value* FormatInput::given(const FieldName& field) const {
  if (!record_.overrides.empty()) {
    if (const Value* value = find_field(record_.overrides, field.key)) return value;
  }
  if (field.attribute) return nullptr;
  if (const Value* value = find_field(record_.extra, field.key)) return value;
  if (const Value* value = find_field(defaults_, field.key)) return value;
  throw_missing(field.key);
}

void FormatInput::append(const FieldName& field, std::string& out) const {
  if (field.attribute == Attribute::kMessage) return record_.append_message(out);
  if (field.attribute == Attribute::kAsctime) return formatter_.format_time(record_, out);
  if (const Value* value = given(field)) return append_str(*value, out);
  append_attribute(record_, *field.attribute, out);
}

Value FormatInput::value(const FieldName& field) const {
  if (field.attribute == Attribute::kMessage || field.attribute == Attribute::kAsctime) {
    std::string text;
    append(field, text);
    return text;
  }
  if (const Value* value = given(field)) return *value;
  return attribute_value(record_, *field.attribute);
}

Value FormatInput::everything() const {
  Dict dict;
  const auto set = [&dict](std::string_view key, Value value) {
    const auto found = std::find_if(dict.begin(), dict.end(), [key](const auto& entry) {
      return *entry.first.template get_if<std::string>() == key;
    });
    if (found != dict.end()) {
      found->second = std::move(value);
    } else {
      dict.emplace_back(std::string(key), std::move(value));
    }
  };
  for (const auto& [key, value] : defaults_) set(key, value);
  for (std::size_t index = 0; index < kRecordAttributes; ++index) {
    const auto attribute = static_cast<Attribute>(index);
    set(attribute_name(attribute), attribute_value(record_, attribute));
  }
  for (const auto& [key, value] : record_.overrides) set(key, value);
  for (const auto& [key, value] : record_.extra) set(key, value);
  set("message", record_.get_message());
  return dict;
}

void run_steps(const FormatSteps& steps, const FormatInput& input, std::string& out, bool escape) {
  for (const FormatStep& step : steps) {
    const std::size_t step_begin = out.size();
    switch (step.kind) {
      case FormatStep::Kind::kLiteral:
        out += step.text;
        break;
      case FormatStep::Kind::kText:
        input.append(step.field, out);
        break;
      case FormatStep::Kind::kInteger:
        if (input.record().overrides.empty()) {
          append_attribute(input.record(), *step.field.attribute, out);
        } else {
          append_converted(step.conversion, input.value(step.field), out);
        }
        break;
      case FormatStep::Kind::kPercent:
        if (step.conversion.letter == 's') {
          const std::size_t begin = out.size();
          input.append(step.field, out);
          fit_text(out, begin, step.conversion);
        } else {
          append_converted(step.conversion, input.value(step.field), out);
        }
        break;
      case FormatStep::Kind::kBrace:
        step.brace->append(input, out);
        break;
      case FormatStep::Kind::kEverything:
        append_converted(step.conversion, input.everything(), out);
        break;
      case FormatStep::Kind::kError:
        throw PythonError(step.text);
    }
    if (escape && step.kind != FormatStep::Kind::kLiteral) escape_controls(out, step_begin);
  }
}

bool names_attribute(const FormatSteps& steps, Attribute attribute) {
  return std::any_of(steps.begin(), steps.end(),
                     [attribute](const FormatStep& step) { return step.field.attribute == attribute; });
}

void append_literal(FormatSteps& steps, std::string_view text) {
  if (text.empty()) return;
  if (steps.empty() || steps.back().kind != FormatStep::Kind::kLiteral) steps.emplace_back();
  steps.back().text += text;
}

}  // namespace logbus::record
