// SPDX-License-Identifier: MIT
// Float text by std::to_chars (shortest) and printf (fixed precision; glibc's is exact, like CPython's dtoa).
#include "record/float_text.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include <fmt/compile.h>

#include "record/python_error.h"

namespace logbus::record {
namespace {

// CPython writes an exponent when the decimal point would stand outside of (-4, 16].
constexpr int kReprMinPoint = -4;
constexpr int kReprMaxPoint = 16;

template <class Float>
void append_repr(Float value, std::string& out) {
  if (std::isnan(value)) {
    out += "nan";
    return;
  }
  if (std::isinf(value)) {
    out += value < 0 ? "-inf" : "inf";
    return;
  }
  // d.ddde+XX: digits and exponent of the shortest form.
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific).ptr;
  const char* at = text;
  if (*at == '-') out.push_back(*at++);
  char digits[64];
  int count = 0;
  for (; *at != 'e'; ++at) {
    if (*at != '.') digits[count++] = *at;
  }
  int exponent = 0;
  ++at;
  if (*at == '+') ++at;
  std::from_chars(at, end, exponent);

  const int point = exponent + 1;  // digits before the decimal point
  const auto count_size = static_cast<std::size_t>(count);
  if (point <= kReprMinPoint || point > kReprMaxPoint) {
    out.push_back(digits[0]);
    if (count > 1) out.append(".").append(digits + 1, count_size - 1);
    char tail[8];
    const int length =
        std::snprintf(tail, sizeof tail, "e%c%02d", exponent < 0 ? '-' : '+', std::abs(exponent));
    out.append(tail, static_cast<std::size_t>(length));
  } else if (point <= 0) {
    out.append("0.").append(static_cast<std::size_t>(-point), '0').append(digits, count_size);
  } else if (point >= count) {
    out.append(digits, count_size).append(static_cast<std::size_t>(point - count), '0').append(".0");
  } else {
    const auto point_size = static_cast<std::size_t>(point);
    out.append(digits, point_size).append(".").append(digits + point_size, count_size - point_size);
  }
}

}  // namespace

void append_float_repr(double value, std::string& out) {
  append_repr(value, out);
}
void append_float_repr(float value, std::string& out) {
  append_repr(value, out);
}

void append_float(double value, char type, int precision, bool alternate, std::string& out) {
  const bool upper = type == 'E' || type == 'F' || type == 'G';
  if (std::isnan(value)) {
    out += upper ? "NAN" : "nan";
    return;
  }
  if (std::isinf(value)) {
    if (value < 0) out.push_back('-');
    out += upper ? "INF" : "inf";
    return;
  }
  const char format[] = {'%', '#', '.', '*', type, 0};
  const char plain[] = {'%', '.', '*', type, 0};
  const char* chosen = alternate ? format : plain;
  const int length = std::snprintf(nullptr, 0, chosen, precision, value);
  if (length < 0) throw_value_error("precision too big");
  const std::size_t begin = out.size();
  out.resize(begin + static_cast<std::size_t>(length) + 1);
  std::snprintf(out.data() + begin, static_cast<std::size_t>(length) + 1, chosen, precision, value);
  out.pop_back();
  // glibc (2.36) forgets the zeros of 999.9 as "%#.3g", which it rounds up to "1.e+03".
  const std::size_t point = out.find(type == 'g' ? ".e" : ".E", begin);
  if (alternate && precision > 1 && (type == 'g' || type == 'G') && point != out.npos)
    out.insert(point + 1, static_cast<std::size_t>(precision) - 1, '0');
}

std::string integral_part_text(double value) {
  if (std::isnan(value)) throw_value_error("cannot convert float NaN to integer");
  if (std::isinf(value)) throw_overflow_error("cannot convert float infinity to integer");
  std::string text;
  append_float(std::trunc(value), 'f', 0, false, text);
  if (text == "-0") text = "0";
  return text;
}

// Prices, percentages, seconds: most numbers in logs have few decimals. If n / 1000 is the value and n has at
// most 15 digits, its digits are the shortest: no two decimals of 15 digits are the same double.
char* write_shortest(double value, char* to) {
  const double magnitude = std::abs(value);
  constexpr double kDigits15 = 1e12;  // times 1000
  if (magnitude < kDigits15) {
    const auto thousandths = static_cast<std::int64_t>(magnitude * 1000 + 0.5);  // signed: one instruction
    if (static_cast<double>(thousandths) / 1000 == magnitude) {
      if (std::signbit(value)) *to++ = '-';
      const auto whole = static_cast<std::uint64_t>(thousandths) / 1000;
      to = whole >> 32 == 0 ? fmt::format_to(to, FMT_COMPILE("{}"), static_cast<std::uint32_t>(whole))
                            : fmt::format_to(to, FMT_COMPILE("{}"), whole);
      const auto decimals = static_cast<unsigned>(static_cast<std::uint64_t>(thousandths) - whole * 1000);
      if (decimals == 0) return to;
      to[0] = '.';
      to[1] = static_cast<char>('0' + decimals / 100);
      to[2] = static_cast<char>('0' + decimals / 10 % 10);
      to[3] = static_cast<char>('0' + decimals % 10);
      return to + (decimals % 10 != 0 ? 4 : decimals % 100 != 0 ? 3 : 2);
    }
  }
  return fmt::format_to(to, FMT_COMPILE("{}"), value);
}

}  // namespace logbus::record
