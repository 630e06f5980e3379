// SPDX-License-Identifier: MIT
// A scanner over fmt's format strings that hands each field to fmt on its own: cheaper than building fmt's
// argument store for values whose types are only known here.
#include "record/brace_merge.h"

#include <fmt/format.h>

#include "record/fmt_value.h"
#include "record/merge_limits.h"

namespace logbus::record {
namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}
bool starts_name(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

class Scanner {
 public:
  Scanner(std::string_view format, const List& args, const Fields& extra, std::string& out)
      : at_(format.data()), end_(format.data() + format.size()), args_(args), extra_(extra), out_(out) {}

  void run() {
    const char* literal = at_;
    while (at_ != end_) {
      if (*at_ != '{' && *at_ != '}') {
        ++at_;
        continue;
      }
      out_.append(literal, at_);
      const char brace = *at_++;
      if (at_ != end_ && *at_ == brace) {  // {{ or }}: one of them is text
        literal = at_++;
        continue;
      }
      if (brace == '}') throw fmt::format_error("unmatched '}' in format string");
      field();
      literal = at_;
    }
    out_.append(literal, at_);
  }

 private:
  // at_ stands behind the opening brace; leaves it behind the closing one.
  void field() {
    if (out_.size() - begin_ > kLongestMessage) throw fmt::format_error("message is too long");
    const Value& value = argument();
    if (peek() == '}') {
      ++at_;
      append_fmt(value, out_);
      return;
    }
    if (peek() != ':') throw fmt::format_error("missing '}' in format string");
    const char* begin = ++at_;
    while (peek() != '}' && peek() != '{') ++at_;
    if (peek() == '}') {
      append_checked(value, std::string_view(begin, static_cast<std::size_t>(at_ - begin)));
    } else {
      at_ = begin;
      nested_spec(value);
    }
    ++at_;
  }

  // A spec whose width or precision are arguments: written out as numbers before fmt sees it.
  void nested_spec(const Value& value) {
    fmt::basic_memory_buffer<char, 64> spec;
    while (peek() != '}') {
      const char c = *at_++;
      if (c != '{') {
        spec.push_back(c);
        continue;
      }
      const bool is_precision = spec.size() != 0 && spec[spec.size() - 1] == '.';
      append_number(argument(), is_precision, spec);
      if (peek() != '}') throw fmt::format_error("invalid format string");
      ++at_;
    }
    append_checked(value, std::string_view(spec.data(), spec.size()));
  }

  // A width of gigabytes, from a worker gone wrong, must not become the reader's memory.
  void append_checked(const Value& value, std::string_view spec) {
    int number = 0;
    for (const char c : spec) {
      number = is_digit(c) ? number * 10 + (c - '0') : 0;
      if (number > kLargestWidth) throw fmt::format_error("number is too big");
    }
    append_fmt(value, spec, out_);
  }

  template <class Buffer>
  static void append_number(const Value& value, bool is_precision, Buffer& spec) {
    std::uint64_t number = 0;
    if (const auto* held = value.get_if<std::int64_t>()) {
      if (*held < 0) throw fmt::format_error(is_precision ? "negative precision" : "negative width");
      number = static_cast<std::uint64_t>(*held);
    } else if (const auto* large = value.get_if<std::uint64_t>()) {
      number = *large;
    } else {
      throw fmt::format_error(is_precision ? "precision is not integer" : "width is not integer");
    }
    // A width of 0 is no width; written out it would be read as the flag.
    if (number == 0 && !is_precision) return;
    const fmt::format_int digits(number);
    spec.append(digits.data(), digits.data() + digits.size());
  }

  // The argument that the id at at_ names: the next one, a number, or an extra field's name.
  const Value& argument() {
    const char c = peek();
    if (c == '}' || c == ':') {
      if (next_ < 0) throw fmt::format_error("cannot switch from manual to automatic argument indexing");
      return positional(static_cast<std::size_t>(next_++));
    }
    if (is_digit(c)) {
      if (next_ > 0) throw fmt::format_error("cannot switch from automatic to manual argument indexing");
      next_ = -1;
      std::size_t index = 0;
      do {
        index = index * 10 + static_cast<std::size_t>(*at_++ - '0');
        if (index > kLargestNumber) throw fmt::format_error("number is too big");
      } while (is_digit(peek()));
      return positional(index);
    }
    if (!starts_name(c)) throw fmt::format_error("invalid format string");
    const char* begin = at_;
    while (starts_name(peek()) || is_digit(peek())) ++at_;
    const std::string_view name(begin, static_cast<std::size_t>(at_ - begin));
    for (const auto& [key, value] : extra_) {
      if (key == name) return value;
    }
    throw fmt::format_error("argument not found");
  }

  const Value& positional(std::size_t index) const {
    if (index >= args_.size()) throw fmt::format_error("argument not found");
    return args_[index];
  }

  char peek() const {
    if (at_ == end_) throw fmt::format_error("invalid format string");
    return *at_;
  }

  static constexpr std::size_t kLargestNumber = 1'000'000;  // far beyond any record, far below overflow

  const char* at_;
  const char* end_;
  const List& args_;
  const Fields& extra_;
  std::string& out_;
  const std::size_t begin_ = out_.size();
  int next_ = 0;  // automatic numbering; -1 once a field had a number of its own
};

}  // namespace

void append_brace(std::string_view format, const List& args, const Fields& extra, std::string& out) {
  Scanner(format, args, extra, out).run();
}

void append_runtime_brace(std::string_view format, const List& args, const Fields& extra, std::string& out) {
  const std::size_t begin = out.size();
  try {
    Scanner(format, args, extra, out).run();
  } catch (const fmt::format_error&) {
    out.resize(begin);
    out += format;
    if (args.empty()) return;
    out.push_back(' ');
    append_fmt(Value(Tuple{args}), out);
  }
}

}  // namespace logbus::record
