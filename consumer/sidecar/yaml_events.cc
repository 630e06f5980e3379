// SPDX-License-Identifier: MIT
#include "sidecar/yaml_events.h"

#include <algorithm>
#include <new>
#include <string_view>

#include <fmt/format.h>

namespace logbus::sidecar {
namespace {

Mark to_mark(const yaml_mark_t& mark) {
  return {static_cast<int>(mark.line) + 1, static_cast<int>(mark.column) + 1};
}

// The reader of bytes knows its offset alone.
Mark mark_at(const std::string& text, std::size_t offset) {
  const std::string_view before = std::string_view(text).substr(0, offset);
  const std::size_t line_begin = before.rfind('\n') + 1;  // npos + 1 is 0
  const auto begins_character = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; };
  return {static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(std::count_if(before.begin() + static_cast<std::ptrdiff_t>(line_begin),
                                         before.end(), begins_character)) +
              1};
}

// The usual cause, where the character at the place gives it away.
std::string_view cause(const std::string& text, const yaml_mark_t& mark, std::string_view problem) {
  if (problem.find("cannot start any token") == std::string_view::npos || mark.index >= text.size())
    return {};
  // The index counts characters: the line and the column are looked up.
  std::size_t at = 0;
  for (std::size_t line = 0; line < mark.line; ++line) at = text.find('\n', at) + 1;
  for (std::size_t column = 0; column < mark.column && at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80) ++column;
  }
  if (at >= text.size()) return {};
  if (text[at] == '%') return " (a value that begins with % must be quoted)";
  if (text[at] == '\t') return " (tabs can't be used to indent)";
  if (text[at] == '@' || text[at] == '`') return " (quote it)";
  return {};
}

}  // namespace

YamlEvents::YamlEvents(const std::string& text) : text_(text) {
  if (yaml_parser_initialize(&parser_) == 0) throw std::bad_alloc();
  yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

YamlEvents::~YamlEvents() {
  if (has_event_) yaml_event_delete(&event_);
  yaml_parser_delete(&parser_);
}

void YamlEvents::next() {
  if (has_event_) yaml_event_delete(&event_);
  has_event_ = yaml_parser_parse(&parser_, &event_) != 0;
  if (!has_event_) fail();
}

Mark YamlEvents::mark() const noexcept {
  return to_mark(event_.start_mark);
}

void YamlEvents::fail() const {
  if (parser_.error == YAML_MEMORY_ERROR) throw std::bad_alloc();
  const std::string_view problem = parser_.problem == nullptr ? "unknown" : parser_.problem;
  if (parser_.error == YAML_READER_ERROR) {
    throw YamlFailure(mark_at(text_, parser_.problem_offset),
                      fmt::format("not valid YAML: {} (a file in UTF-8 is expected)", problem));
  }
  std::string sentence = fmt::format("not valid YAML: {}", problem);
  if (parser_.context != nullptr) {
    sentence += fmt::format(" {}", parser_.context);
    if (parser_.context_mark.line != parser_.problem_mark.line)
      sentence += fmt::format(" that begins in line {}", parser_.context_mark.line + 1);
  }
  sentence += cause(text_, parser_.problem_mark, problem);
  throw YamlFailure(to_mark(parser_.problem_mark), sentence);
}

}  // namespace logbus::sidecar
