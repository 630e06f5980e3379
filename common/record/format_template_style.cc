// SPDX-License-Identifier: MIT
// Formats of style '$': logging.StringTemplateStyle over string.Template.
#include <algorithm>

#include <fmt/format.h>

#include <logbus/error.h>

#include "record/format_program.h"
#include "record/utf8.h"

namespace logbus::record {
namespace {

// Template.idpattern (?a:[_a-z][_a-z0-9]*), letters in either case.
std::size_t identifier_length(std::string_view text) {
  const auto is_start = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (text.empty() || !is_start(text.front())) return 0;
  const auto end = std::find_if_not(text.begin(), text.end(),
                                    [&](char c) { return is_start(c) || (c >= '0' && c <= '9'); });
  return static_cast<std::size_t>(end - text.begin());
}

FormatStep invalid_placeholder(std::string_view format, std::size_t at) {
  const std::string_view before = format.substr(0, at);
  const std::size_t newline = before.rfind('\n');
  const std::string_view line = newline == before.npos ? before : before.substr(newline + 1);
  FormatStep step;
  step.kind = FormatStep::Kind::kError;
  step.text = fmt::format("ValueError: Invalid placeholder in string: line {}, col {}",
                          std::count(before.begin(), before.end(), '\n') + 1, count_code_points(line) + 1);
  return step;
}

}  // namespace

FormatSteps compile_template_style(std::string_view format, bool validate) {
  FormatSteps steps;
  bool has_field = false;
  for (std::size_t at = 0; at < format.size();) {
    const std::size_t dollar = std::min(format.find('$', at), format.size());
    append_literal(steps, format.substr(at, dollar - at));
    if (dollar == format.size()) break;
    const std::string_view rest = format.substr(dollar + 1);
    if (rest.starts_with('$')) {
      append_literal(steps, "$");
      at = dollar + 2;
      continue;
    }
    const bool braced = rest.starts_with('{');
    const std::size_t length = identifier_length(rest.substr(braced ? 1 : 0));
    if (length == 0 || (braced && rest.substr(length + 1, 1) != "}")) {
      if (validate) throw Error("invalid format: bare '$' not allowed");
      steps.push_back(invalid_placeholder(format, dollar));
      at = dollar + 1;
      continue;
    }
    FormatStep step;
    step.kind = FormatStep::Kind::kText;
    step.field = FieldName(rest.substr(braced ? 1 : 0, length));
    steps.push_back(std::move(step));
    has_field = true;
    at = dollar + 1 + length + (braced ? 2 : 0);
  }
  if (validate && !has_field) throw Error("invalid format: no fields");
  return steps;
}

}  // namespace logbus::record
