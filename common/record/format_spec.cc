// SPDX-License-Identifier: MIT
// The format-specification mini-language: text and numbers.
#include "record/format_spec.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "record/float_text.h"
#include "record/format_spec_parser.h"
#include "record/python_error.h"
#include "record/utf8.h"
#include "record/value_text.h"

namespace logbus::record {
namespace {

void append_fill(std::string& out, const FormatSpec& spec, std::size_t count) {
  for (; count > 0; --count) out += spec.fill;
}

void append_text(std::string_view text, std::string_view spec_text, std::string& out) {
  const FormatSpec spec = parse_format_spec(spec_text, '<', "str");
  if (spec.type != 0 && spec.type != 's') throw_unknown_type(spec.type, "str");
  if (spec.sign != 0) {
    throw_value_error(spec.sign == ' ' ? "Space not allowed in string format specifier"
                                       : "Sign not allowed in string format specifier");
  }
  if (spec.coerce_zero) {
    throw_value_error("Negative zero coercion (z) not allowed in string format specifier");
  }
  if (spec.alternate) throw_value_error("Alternate form (#) not allowed in string format specifier");
  if (spec.align == '=') throw_value_error("'=' alignment not allowed in string format specifier");
  if (spec.precision >= 0)
    text = text.substr(0, code_point_prefix(text, static_cast<std::size_t>(spec.precision)));
  const std::size_t length = count_code_points(text);
  const auto width = static_cast<std::size_t>(std::max(spec.width, 0));
  const std::size_t pad = width > length ? width - length : 0;
  const std::size_t left = spec.align == '>' ? pad : spec.align == '^' ? pad / 2 : 0;
  append_fill(out, spec, left);
  out += text;
  append_fill(out, spec, pad - left);
}

// _PyUnicode_InsertThousandsGrouping: groups from the right, zeros in front up to `min_width`.
std::string grouped(std::string_view digits, std::int64_t min_width, char separator, std::size_t group) {
  std::string reversed;
  auto remaining = static_cast<std::int64_t>(digits.size());
  for (;;) {
    std::int64_t length = std::max({remaining, min_width, std::int64_t{1}});
    if (separator != 0) length = std::min(length, static_cast<std::int64_t>(group));
    for (std::int64_t index = 0; index < length; ++index) {
      reversed.push_back(remaining > 0 ? digits[static_cast<std::size_t>(--remaining)] : '0');
    }
    min_width -= length;
    if (remaining <= 0 && min_width <= 0) break;
    reversed.push_back(separator);
    --min_width;
  }
  std::reverse(reversed.begin(), reversed.end());
  return reversed;
}

// What stands in a number, in order: sign, prefix (0x), digits to group, the rest (".5e+10", "inf", "%").
struct Number {
  bool negative = false;
  std::string_view prefix;
  std::string_view digits;
  std::string_view rest;
};

void append_number(const Number& number, const FormatSpec& spec, std::string& out) {
  const std::string_view sign = number.negative ? "-" : spec.sign == '+' ? "+" : spec.sign == ' ' ? " " : "";
  const std::size_t fixed = sign.size() + number.prefix.size() + count_code_points(number.rest);
  const bool zero_filled = spec.fill == "0" && spec.align == '=';
  const std::int64_t min_width = zero_filled ? spec.width - static_cast<std::int64_t>(fixed) : 0;
  const bool by_four = spec.type == 'b' || spec.type == 'o' || spec.type == 'x' || spec.type == 'X';
  const std::string digits = number.digits.empty()
                                 ? std::string()
                                 : grouped(number.digits, min_width, spec.thousands, by_four ? 4 : 3);
  const auto width = static_cast<std::size_t>(std::max(spec.width, 0));
  const std::size_t pad = width > fixed + digits.size() ? width - fixed - digits.size() : 0;
  const std::size_t left = spec.align == '>' ? pad : spec.align == '^' ? pad / 2 : 0;
  append_fill(out, spec, left);
  out += sign;
  out += number.prefix;
  if (spec.align == '=') append_fill(out, spec, pad);
  out += digits;
  out += number.rest;
  if (spec.align != '=') append_fill(out, spec, pad - left);
}

// 'g' with at least one digit behind the point, and the exponent one digit earlier: format(x, ".3").
void append_general_with_point(double value, int precision, bool alternate, std::string& out) {
  precision = std::max(precision, 1);
  if (!std::isfinite(value)) return append_float(value, 'g', precision, alternate, out);
  std::string scientific;
  append_float(value, 'e', precision - 1, false, scientific);
  const std::size_t mark = scientific.find('e');
  const int point = std::atoi(scientific.c_str() + mark + 1) + 1;
  const bool exponent = point <= -4 || point > precision - 1;
  const std::size_t begin = out.size();
  if (!exponent) {
    append_float(value, 'g', precision, alternate, out);
    if (out.find('.', begin) == out.npos) out += ".0";
    if (out.back() == '.') out.push_back('0');
    return;
  }
  std::string digits = scientific.substr(0, mark);
  if (!alternate && digits.find('.') != digits.npos) {
    while (digits.back() == '0') digits.pop_back();
    if (digits.back() == '.') digits.pop_back();
  }
  if (alternate && digits.find('.') == digits.npos) digits.push_back('.');
  out += digits;
  out.append(scientific, mark);
}

void append_real(double value, const float* single, const FormatSpec& spec, std::string& out) {
  std::string text;
  const char type = spec.type == 0 ? 'r' : spec.type == 'n' ? 'g' : static_cast<char>(spec.type);
  if (type == '%') {
    append_float(value * 100, 'f', spec.precision < 0 ? 6 : spec.precision, spec.alternate, text);
  } else if (type != 'r') {
    append_float(value, type, spec.precision < 0 ? 6 : spec.precision, spec.alternate, text);
  } else if (spec.precision >= 0) {
    append_general_with_point(value, spec.precision, spec.alternate, text);
  } else if (single != nullptr) {
    append_float_repr(*single, text);
  } else {
    append_float_repr(value, text);
  }
  Number number;
  std::string_view rest = text;
  number.negative = rest.front() == '-';
  if (number.negative) rest.remove_prefix(1);
  if (spec.coerce_zero && number.negative && rest.find_first_of("123456789in") == rest.npos)
    number.negative = false;
  const std::size_t digits = std::min(rest.find_first_not_of("0123456789"), rest.size());
  number.digits = rest.substr(0, digits);
  std::string tail(rest.substr(digits));
  if (type == '%') tail.push_back('%');
  number.rest = tail;
  append_number(number, spec, out);
}

struct Magnitude {
  std::uint64_t value = 0;
  bool negative = false;
  double as_double() const noexcept {
    return negative ? -static_cast<double>(value) : static_cast<double>(value);
  }
};

void append_code_point_of(const Magnitude& integer, const FormatSpec& spec, std::string& out) {
  if (spec.sign != 0) throw_value_error("Sign not allowed with integer format specifier 'c'");
  if (spec.alternate) {
    throw_value_error("Alternate form (#) not allowed with integer format specifier 'c'");
  }
  if (integer.negative || integer.value > 0x10FFFF) throw_overflow_error("%c arg not in range(0x110000)");
  std::string text;
  append_code_point(text, static_cast<char32_t>(integer.value));
  Number number;
  number.rest = text;
  append_number(number, spec, out);
}

void append_whole(const Magnitude& integer, std::string_view type_name, std::string_view spec_text,
                  std::string& out) {
  const FormatSpec spec = parse_format_spec(spec_text, '>', type_name);
  int base = 10;
  switch (spec.type) {
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
    case '%':
      return append_real(integer.as_double(), nullptr, spec, out);
    case 'b':
      base = 2;
      break;
    case 'o':
      base = 8;
      break;
    case 'x':
    case 'X':
      base = 16;
      break;
    case 0:
    case 'c':
    case 'd':
    case 'n':
      break;
    default:
      throw_unknown_type(spec.type, type_name);
  }
  if (spec.precision >= 0) throw_value_error("Precision not allowed in integer format specifier");
  if (spec.coerce_zero)
    throw_value_error("Negative zero coercion (z) not allowed in format specifier with integer");
  if (spec.type == 'c') return append_code_point_of(integer, spec, out);
  char text[72];
  char* end = std::to_chars(text, text + sizeof text, integer.value, base).ptr;
  if (spec.type == 'X') {
    std::transform(text, end, text, [](char c) { return c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c; });
  }
  const char prefix[] = {'0', static_cast<char>(spec.type), 0};
  Number number;
  number.negative = integer.negative;
  number.digits = std::string_view(text, static_cast<std::size_t>(end - text));
  if (spec.alternate && base != 10) number.prefix = prefix;
  append_number(number, spec, out);
}

void append_double(double value, const float* single, std::string_view spec_text, std::string& out) {
  const FormatSpec spec = parse_format_spec(spec_text, '>', "float");
  const bool known =
      spec.type < 128 && (spec.type == 0 || std::string_view("eEfFgGn%").find(static_cast<char>(spec.type)) !=
                                                std::string_view::npos);
  if (!known) throw_unknown_type(spec.type, "float");
  append_real(value, single, spec, out);
}

Magnitude magnitude(std::int64_t value) noexcept {
  return {value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value), value < 0};
}

}  // namespace

void append_formatted(const Value& value, std::string_view spec, std::string& out) {
  if (spec.empty()) return append_str(value, out);
  if (const auto* text = value.get_if<std::string>()) return append_text(*text, spec, out);
  if (const auto* made = value.get_if<Text>()) return append_text(made->text, spec, out);
  if (const auto* character = value.get_if<char>()) return append_text({character, 1}, spec, out);
  if (const auto* flag = value.get_if<bool>())
    return append_whole({*flag ? 1U : 0U, false}, "bool", spec, out);
  if (const auto* number = value.get_if<std::int64_t>())
    return append_whole(magnitude(*number), "int", spec, out);
  if (const auto* large = value.get_if<std::uint64_t>())
    return append_whole({*large, false}, "int", spec, out);
  if (const auto* pointer = value.get_if<Pointer>())
    return append_whole({pointer->address, false}, "int", spec, out);
  if (const auto* real = value.get_if<double>()) return append_double(*real, nullptr, spec, out);
  if (const auto* single = value.get_if<float>()) {
    return append_double(static_cast<double>(*single), single, spec, out);
  }
  throw_type_error(fmt::format("unsupported format string passed to {}.__format__", python_type_name(value)));
}

}  // namespace logbus::record
