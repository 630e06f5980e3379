// SPDX-License-Identifier: MIT
// One conversion of the % operator: reading it, and writing a value through it.
#include "record/percent_conversion.h"

#include <algorithm>
#include <charconv>

#include <fmt/format.h>

#include "record/float_text.h"
#include "record/merge_limits.h"
#include "record/python_error.h"
#include "record/utf8.h"
#include "record/value_text.h"

namespace logbus::record {
namespace {

[[noreturn]] void throw_unsupported(const PercentConversion& conversion) {
  std::string text = "unsupported format character '";
  const bool shown = conversion.letter > 31 && conversion.letter <= 0x10FFFF;
  if (shown) append_code_point(text, conversion.letter);
  if (!shown) text.push_back('?');
  fmt::format_to(std::back_inserter(text), "' (0x{:x}) at index {}", static_cast<unsigned>(conversion.letter),
                 conversion.letter_index);
  throw_value_error(text);
}

// Digits at `at`; false if the number is too big.
bool read_number(std::string_view format, std::size_t& at, int& number) {
  std::int64_t value = 0;
  for (; at < format.size() && format[at] >= '0' && format[at] <= '9'; ++at) {
    value = value * 10 + (format[at] - '0');
    if (value > kLargestWidth) return false;
  }
  number = static_cast<int>(value);
  return true;
}

// An integer's digits in the conversion's base, with the sign and, for #, the base's prefix; filled with
// zeros up to the precision. Source: _PyUnicode_FormatLong.
std::string integer_text(const PercentConversion& conversion, const Value& value) {
  const char letter = static_cast<char>(conversion.letter);
  const bool decimal = letter == 'd' || letter == 'i' || letter == 'u';
  bool negative = false;
  std::string digits;
  const auto set_magnitude = [&](std::uint64_t magnitude) {
    char text[32];
    const int base = decimal ? 10 : letter == 'o' ? 8 : 16;
    digits.assign(text, std::to_chars(text, text + sizeof text, magnitude, base).ptr);
  };
  if (const auto* number = value.get_if<std::int64_t>()) {
    negative = *number < 0;
    set_magnitude(negative ? 0 - static_cast<std::uint64_t>(*number) : static_cast<std::uint64_t>(*number));
  } else if (const auto* large = value.get_if<std::uint64_t>()) {
    set_magnitude(*large);
  } else if (const auto* flag = value.get_if<bool>()) {
    set_magnitude(*flag ? 1 : 0);
  } else if (const auto* pointer = value.get_if<Pointer>()) {
    set_magnitude(pointer->address);
  } else {
    const auto* real = value.get_if<double>();
    const auto* single = value.get_if<float>();
    if (!decimal || (real == nullptr && single == nullptr)) {
      throw_type_error(fmt::format("%{} format: {} is required, not {}", letter,
                                   decimal ? "a real number" : "an integer", python_type_name(value)));
    }
    digits = integral_part_text(real != nullptr ? *real : static_cast<double>(*single));
    negative = digits.front() == '-';
    if (negative) digits.erase(0, 1);
  }
  if (conversion.precision > static_cast<int>(digits.size())) {
    digits.insert(0, static_cast<std::size_t>(conversion.precision) - digits.size(), '0');
  }
  if (conversion.alternate && !decimal) digits.insert(0, letter == 'o' ? "0o" : "0x");
  if (negative) digits.insert(0, "-");
  if (letter == 'X') {
    std::transform(digits.begin(), digits.end(), digits.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
  }
  return digits;
}

std::string floating_text(const PercentConversion& conversion, const Value& value) {
  double number = 0;
  if (const auto* real = value.get_if<double>()) {
    number = *real;
  } else if (const auto* single = value.get_if<float>()) {
    number = static_cast<double>(*single);
  } else if (const auto* integer = value.get_if<std::int64_t>()) {
    number = static_cast<double>(*integer);
  } else if (const auto* large = value.get_if<std::uint64_t>()) {
    number = static_cast<double>(*large);
  } else if (const auto* flag = value.get_if<bool>()) {
    number = *flag ? 1 : 0;
  } else {
    throw_type_error(fmt::format("must be real number, not {}", python_type_name(value)));
  }
  std::string text;
  append_float(number, static_cast<char>(conversion.letter),
               conversion.precision < 0 ? 6 : conversion.precision, conversion.alternate, text);
  return text;
}

void append_character(const Value& value, std::string& out) {
  if (const auto* number = value.get_if<std::int64_t>()) {
    if (*number < 0 || *number > 0x10FFFF) throw_overflow_error("%c arg not in range(0x110000)");
    return append_code_point(out, static_cast<char32_t>(*number));
  }
  if (const auto* flag = value.get_if<bool>()) return out.push_back(*flag ? '\1' : '\0');
  if (value.get_if<std::uint64_t>() != nullptr) throw_overflow_error("%c arg not in range(0x110000)");
  if (const auto* character = value.get_if<char>()) return out.push_back(*character);
  const auto* text = value.get_if<std::string>();
  if (text == nullptr) {
    throw_type_error(
        fmt::format("%c requires an int or a unicode character, not {}", python_type_name(value)));
  }
  const std::size_t length = count_code_points(*text);
  if (length != 1) {
    throw_type_error(
        fmt::format("%c requires an int or a unicode character, not a string of length {}", length));
  }
  out += *text;
}

// unicode_format_arg_output for numbers: sign, base prefix, fill, digits.
void append_number(const PercentConversion& conversion, std::string_view text, std::string& out) {
  const bool negative = text.front() == '-';
  const std::string_view sign = negative ? "-" : conversion.sign ? "+" : conversion.blank ? " " : "";
  if (negative) text.remove_prefix(1);
  const bool prefixed = conversion.alternate &&
                        (conversion.letter == 'x' || conversion.letter == 'X' || conversion.letter == 'o');
  const std::string_view prefix = text.substr(0, prefixed ? 2 : 0);
  text.remove_prefix(prefix.size());
  const std::size_t length = sign.size() + prefix.size() + text.size();
  const auto width = static_cast<std::size_t>(std::max(conversion.width, 0));
  const std::size_t pad = width > length ? width - length : 0;
  if (!conversion.left && !conversion.zero) out.append(pad, ' ');
  out += sign;
  out += prefix;
  if (!conversion.left && conversion.zero) out.append(pad, '0');
  out += text;
  if (conversion.left) out.append(pad, ' ');
}

}  // namespace

PercentConversion parse_conversion(std::string_view format, std::size_t& at) {
  PercentConversion conversion;
  if (at < format.size() && format[at] == '%') {
    ++at;
    conversion.is_percent_sign = true;
    return conversion;
  }
  const auto fail = [&](const char* error) {
    conversion.error = error;
    at = format.size();
    return conversion;
  };
  if (at < format.size() && format[at] == '(') {
    const std::size_t begin = ++at;
    int depth = 1;
    for (; at < format.size() && depth > 0; ++at) {
      if (format[at] == '(') ++depth;
      if (format[at] == ')') --depth;
    }
    if (depth > 0) return fail("incomplete format key");
    conversion.has_key = true;
    conversion.key = format.substr(begin, at - 1 - begin);
  }
  for (; at < format.size(); ++at) {
    const char flag = format[at];
    if (flag == '-') {
      conversion.left = true;
    } else if (flag == '+') {
      conversion.sign = true;
    } else if (flag == ' ') {
      conversion.blank = true;
    } else if (flag == '#') {
      conversion.alternate = true;
    } else if (flag == '0') {
      conversion.zero = true;
    } else {
      break;
    }
  }
  const auto read_size = [&](int& size) {
    if (at < format.size() && format[at] == '*') {
      ++at;
      size = PercentConversion::kStar;
      return true;
    }
    return read_number(format, at, size);
  };
  if (at < format.size() && (format[at] == '*' || (format[at] >= '0' && format[at] <= '9'))) {
    if (!read_size(conversion.width)) return fail("width too big");
  }
  if (at < format.size() && format[at] == '.') {
    ++at;
    conversion.precision = 0;
    if (!read_size(conversion.precision)) return fail("precision too big");
  }
  if (at < format.size() && (format[at] == 'h' || format[at] == 'l' || format[at] == 'L')) ++at;
  if (at >= format.size()) return fail("incomplete format");
  conversion.letter_index = count_code_points(format.substr(0, at));
  conversion.letter = next_code_point(format, at);
  return conversion;
}

void fit_text(std::string& out, std::size_t begin, const PercentConversion& conversion) {
  if (conversion.precision >= 0) {
    const std::string_view text = std::string_view(out).substr(begin);
    out.resize(begin + code_point_prefix(text, static_cast<std::size_t>(conversion.precision)));
  }
  if (conversion.width <= 0) return;
  const std::size_t length = count_code_points(std::string_view(out).substr(begin));
  const auto width = static_cast<std::size_t>(conversion.width);
  if (length >= width) return;
  if (conversion.left) {
    out.append(width - length, ' ');
  } else {
    out.insert(begin, width - length, ' ');
  }
}

void append_converted(const PercentConversion& conversion, const Value& value, std::string& out) {
  const std::size_t begin = out.size();
  switch (conversion.letter) {
    case 's':
      append_str(value, out);
      return fit_text(out, begin, conversion);
    case 'r':
      append_repr(value, out);
      return fit_text(out, begin, conversion);
    case 'a':
      append_ascii(value, out);
      return fit_text(out, begin, conversion);
    case 'd':
    case 'i':
    case 'u':
    case 'o':
    case 'x':
    case 'X':
      return append_number(conversion, integer_text(conversion, value), out);
    case 'e':
    case 'E':
    case 'f':
    case 'F':
    case 'g':
    case 'G':
      return append_number(conversion, floating_text(conversion, value), out);
    case 'c': {
      append_character(value, out);
      PercentConversion without_precision = conversion;
      without_precision.precision = PercentConversion::kAbsent;
      return fit_text(out, begin, without_precision);
    }
    default:
      throw_unsupported(conversion);
  }
}

}  // namespace logbus::record
