// SPDX-License-Identifier: MIT
// The grammar of fmt's format strings. What a field becomes is the sink's business: text at once, or a step
// of a program.
#pragma once

#include <cstddef>
#include <string_view>

#include <fmt/format.h>

#include "record/merge_limits.h"

namespace logbus::record {

/// What a field's id names: an argument by its position or, if `name` is not empty, an extra field.
struct ArgumentId {
  std::size_t index = 0;
  std::string_view name;
};

using SpecBuffer = fmt::basic_memory_buffer<char, 64>;

/// Calls, in order, a Sink's
///   literal(begin, end)                 field(id)              field(id, spec)
///   number(id, is_precision, buffer)    appends the digits of a width or precision that is an argument
/// Throws fmt::format_error, as fmt would.
template <class Sink>
class BraceScanner {
 public:
  BraceScanner(std::string_view format, Sink& sink)
      : at_(format.data()), end_(format.data() + format.size()), sink_(sink) {}

  void run() {
    const char* literal = at_;
    while (at_ != end_) {
      if (*at_ != '{' && *at_ != '}') {
        ++at_;
        continue;
      }
      sink_.literal(literal, at_);
      const char brace = *at_++;
      if (at_ != end_ && *at_ == brace) {  // {{ or }}: one of them is text
        literal = at_++;
        continue;
      }
      if (brace == '}') throw fmt::format_error("unmatched '}' in format string");
      field();
      literal = at_;
    }
    sink_.literal(literal, at_);
  }

 private:
  // at_ stands behind the opening brace; leaves it behind the closing one.
  void field() {
    const ArgumentId id = argument();
    if (peek() == '}') {
      ++at_;
      return sink_.field(id);
    }
    if (peek() != ':') throw fmt::format_error("missing '}' in format string");
    const char* begin = ++at_;
    while (peek() != '}' && peek() != '{') ++at_;
    if (peek() == '}') {
      field_with_spec(id, std::string_view(begin, static_cast<std::size_t>(at_ - begin)));
    } else {
      at_ = begin;
      nested_spec(id);
    }
    ++at_;
  }

  // A spec whose width or precision are arguments: written out as numbers before fmt sees it.
  void nested_spec(const ArgumentId& id) {
    SpecBuffer spec;
    while (peek() != '}') {
      const char c = *at_++;
      if (c != '{') {
        spec.push_back(c);
        continue;
      }
      const bool is_precision = spec.size() != 0 && spec[spec.size() - 1] == '.';
      sink_.number(argument(), is_precision, spec);
      if (peek() != '}') throw fmt::format_error("invalid format string");
      ++at_;
    }
    field_with_spec(id, std::string_view(spec.data(), spec.size()));
  }

  // A width of gigabytes, from a worker gone wrong, must not become the reader's memory.
  void field_with_spec(const ArgumentId& id, std::string_view spec) {
    int number = 0;
    for (const char c : spec) {
      number = is_digit(c) ? number * 10 + (c - '0') : 0;
      if (number > kLargestWidth) throw fmt::format_error("number is too big");
    }
    sink_.field(id, spec);
  }

  // The id at at_: none for the next argument, a number, or a name.
  ArgumentId argument() {
    const char c = peek();
    if (c == '}' || c == ':') {
      if (next_ < 0) throw fmt::format_error("cannot switch from manual to automatic argument indexing");
      return {static_cast<std::size_t>(next_++), {}};
    }
    if (is_digit(c)) {
      if (next_ > 0) throw fmt::format_error("cannot switch from automatic to manual argument indexing");
      next_ = -1;
      std::size_t index = 0;
      do {
        index = index * 10 + static_cast<std::size_t>(*at_++ - '0');
        if (index > kLargestNumber) throw fmt::format_error("number is too big");
      } while (is_digit(peek()));
      return {index, {}};
    }
    if (!starts_name(c)) throw fmt::format_error("invalid format string");
    const char* begin = at_;
    while (starts_name(peek()) || is_digit(peek())) ++at_;
    return {0, std::string_view(begin, static_cast<std::size_t>(at_ - begin))};
  }

  char peek() const {
    if (at_ == end_) throw fmt::format_error("invalid format string");
    return *at_;
  }

  static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
  static bool starts_name(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  }

  static constexpr std::size_t kLargestNumber = 1'000'000;  // far beyond any record, far below overflow

  const char* at_;
  const char* end_;
  Sink& sink_;
  int next_ = 0;  // automatic numbering; -1 once a field had a number of its own
};

}  // namespace logbus::record
