// SPDX-License-Identifier: MIT
// Formats of style '%': logging.PercentStyle.
#include <algorithm>

#include <logbus/error.h>

#include "record/format_program.h"
#include "record/value_text.h"

namespace logbus::record {
namespace {

std::size_t skip(std::string_view text, std::size_t at, std::string_view set) {
  return std::min(text.find_first_not_of(set, at), text.size());
}

// PercentStyle.validation_pattern at `at`:
// %\(\w+\)[#0+ -]*(\*|\d+)?(\.(\*|\d+))?[diouxefgcrsa%], letters in either case.
bool is_valid_field(std::string_view format, std::size_t at) {
  if (format.substr(at, 2) != "%(") return false;
  at += 2;
  const std::size_t key = at;
  while (at < format.size() && is_word_byte(format[at])) ++at;
  if (at == key || at >= format.size() || format[at] != ')') return false;
  at = skip(format, at + 1, "#0+ -");
  const auto skip_size = [&] {
    const std::size_t begin = at;
    at = at < format.size() && format[at] == '*' ? at + 1 : skip(format, at, "0123456789");
    return at != begin;
  };
  skip_size();
  if (at < format.size() && format[at] == '.') {
    ++at;
    if (!skip_size()) return false;
  }
  return at < format.size() &&
         std::string_view("diouxefgcrsaDIOUXEFGCRSA%").find(format[at]) != std::string_view::npos;
}

bool has_valid_field(std::string_view format) {
  for (std::size_t at = format.find('%'); at != format.npos; at = format.find('%', at + 1)) {
    if (is_valid_field(format, at)) return true;
  }
  return false;
}

bool is_integer(std::optional<Attribute> attribute) noexcept {
  return attribute == Attribute::kLevelno || attribute == Attribute::kLineno ||
         attribute == Attribute::kProcess || attribute == Attribute::kThread;
}

// A conversion without a key sees the record's whole dict, once, and only before the first one with a key:
// from there on CPython's argument is the last field's value, already used.
FormatStep compile_conversion(const PercentConversion& conversion, bool& dict_available) {
  FormatStep step;
  step.conversion = conversion;
  step.conversion.key = {};  // it points into the format, which the step outlives
  if (conversion.is_percent_sign) {
    step.text = "%";
    return step;
  }
  const auto fail = [&step](std::string_view text) {
    step.kind = FormatStep::Kind::kError;
    step.text = text;
    return step;
  };
  const auto is_star = [](int size) { return size == PercentConversion::kStar; };
  if (is_star(conversion.width) || is_star(conversion.precision)) {
    return fail(conversion.has_key ? "TypeError: not enough arguments for format string"
                                   : "TypeError: * wants int");
  }
  if (conversion.error != nullptr) return fail(std::string("ValueError: ") + conversion.error);
  if (conversion.has_key) {
    dict_available = false;
    step.field = FieldName(conversion.key);
  }
  if (!conversion.has_key) {
    if (!dict_available) return fail("TypeError: not enough arguments for format string");
    dict_available = false;
    step.kind = FormatStep::Kind::kEverything;
    return step;
  }
  step.kind = FormatStep::Kind::kPercent;
  if (conversion.is_plain()) {
    if (conversion.letter == 's') step.kind = FormatStep::Kind::kText;
    if (conversion.letter == 'd' && is_integer(step.field.attribute)) step.kind = FormatStep::Kind::kInteger;
  }
  return step;
}

}  // namespace

FormatSteps compile_percent_style(std::string_view format, bool validate) {
  if (validate && !has_valid_field(format)) {
    throw Error("Invalid format '" + std::string(format) + "' for '%' style");
  }
  FormatSteps steps;
  bool dict_available = true;
  for (std::size_t at = 0; at < format.size();) {
    const std::size_t percent = std::min(format.find('%', at), format.size());
    append_literal(steps, format.substr(at, percent - at));
    if (percent == format.size()) break;
    at = percent + 1;
    FormatStep step = compile_conversion(parse_conversion(format, at), dict_available);
    if (step.kind == FormatStep::Kind::kLiteral) {
      append_literal(steps, step.text);
    } else {
      steps.push_back(std::move(step));
    }
  }
  return steps;
}

}  // namespace logbus::record
