// SPDX-License-Identifier: MIT
// parse_internal_render_format_spec of CPython's formatter_unicode.c.
#include "record/format_spec_parser.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include "record/python_error.h"
#include "record/utf8.h"

namespace logbus::record {
namespace {

constexpr int kLargestSize = 0x7FFFFFFF;

bool is_align(char c) noexcept {
  return c == '<' || c == '>' || c == '=' || c == '^';
}

std::string shown(char32_t type) {
  std::string text;
  if (type > 32 && type < 128) {
    text = {'\'', static_cast<char>(type), '\''};
  } else {
    text = fmt::format("'\\x{:x}'", static_cast<unsigned>(type));
  }
  return text;
}

class SpecParser {
 public:
  SpecParser(std::string_view text, char default_align, std::string_view type_name)
      : text_(text), type_name_(type_name), is_text_(default_align == '<') {
    spec_.align = default_align;
    bool fill_given = false;
    bool align_given = false;
    std::size_t after_fill = 0;
    if (!text.empty()) (void)next_code_point(text, after_fill);
    if (after_fill < text.size() && is_align(text[after_fill])) {
      spec_.fill = text.substr(0, after_fill);
      spec_.align = text[after_fill];
      fill_given = align_given = true;
      at_ = after_fill + 1;
    } else if (!text.empty() && is_align(text.front())) {
      spec_.align = text.front();
      align_given = true;
      at_ = 1;
    }
    if (peek() == '+' || peek() == '-' || peek() == ' ') spec_.sign = text_[at_++];
    spec_.coerce_zero = take('z');
    spec_.alternate = take('#');
    if (!fill_given && take('0')) {
      spec_.fill = "0";
      if (!align_given && !is_text_) spec_.align = '=';
    }
    if (is_digit(peek())) spec_.width = width();
    if (take(',')) spec_.thousands = ',';
    if (take('_')) {
      if (spec_.thousands != 0) throw_value_error("Cannot specify both ',' and '_'.");
      spec_.thousands = '_';
    }
    if (peek() == ',' && spec_.thousands == '_') throw_value_error("Cannot specify both ',' and '_'.");
    if (take('.')) {
      if (!is_digit(peek())) throw_value_error("Format specifier missing precision");
      spec_.precision = number();
    }
    read_type();
  }

  const FormatSpec& spec() const noexcept { return spec_; }

 private:
  static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
  char peek() const noexcept { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) noexcept {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // CPython reads 63 bits. Nothing is as long as the largest int: beyond it all precisions are the same, and
  // all widths are more than there is memory for.
  int number() {
    std::int64_t value = 0;
    for (; is_digit(peek()); ++at_) {
      if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, peek() - '0', &value))
        throw_value_error("Too many decimal digits in format string");
    }
    return static_cast<int>(std::min<std::int64_t>(value, kLargestSize));
  }

  int width() {
    const int width = number();
    // CPython has no memory for it, or takes all there is.
    if (width == kLargestSize) throw_value_error("Too many decimal digits in format string");
    return width;
  }

  void read_type() {
    if (at_ < text_.size()) {
      spec_.type = next_code_point(text_, at_);
      if (at_ < text_.size()) {
        throw_value_error(
            fmt::format("Invalid format specifier '{}' for object of type '{}'", text_, type_name_));
      }
    }
    if (spec_.thousands == 0) return;
    const char32_t type = spec_.type == 0 && is_text_ ? U's' : spec_.type;
    const auto is_one_of = [type](std::string_view types) {
      return type < 128 && types.find(static_cast<char>(type)) != std::string_view::npos;
    };
    if (type == 0 || is_one_of("defgEG%F") || (spec_.thousands == '_' && is_one_of("boxX"))) return;
    throw_value_error(fmt::format("Cannot specify '{}' with {}.", spec_.thousands, shown(type)));
  }

  std::string_view text_;
  std::string_view type_name_;
  bool is_text_;
  std::size_t at_ = 0;
  FormatSpec spec_;
};

}  // namespace

FormatSpec parse_format_spec(std::string_view text, char default_align, std::string_view type_name) {
  return SpecParser(text, default_align, type_name).spec();
}

void throw_unknown_type(char32_t type, std::string_view type_name) {
  throw_value_error(fmt::format("Unknown format code {} for object of type '{}'", shown(type), type_name));
}

}  // namespace logbus::record
