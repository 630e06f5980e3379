// SPDX-License-Identifier: MIT
// The part of a field behind its colon, checked against the argument's type as fmt 9 does when it formats.
#pragma once

#include <cstddef>
#include <string_view>

#include <logbus/detail/abi.h>
#include <logbus/detail/field_type.h>
#include <logbus/detail/format_cursor.h>
#include <logbus/detail/format_error.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

/// `Sizes` resolves a `{...}` in place of a width or precision: FormatError operator()(FormatCursor&), called
/// behind the brace, stops before the closing one.
template <class Sizes>
class SpecChecker {
 public:
  constexpr SpecChecker(FormatCursor& at, Sizes& sizes) noexcept : at_(at), sizes_(sizes) {}

  /// Stops at the field's closing brace.
  constexpr FormatError check(FieldType type) {
    for (; type.lists > 0; --type.lists) {
      if (at_.at_end() || at_.at() == '}') return FormatError::kNone;
      at_.take('n');
      if (at_.at() == '}') return FormatError::kNone;
      if (!at_.take(':')) return FormatError::kInvalidSpec;
      if (type.worker_text) return FormatError::kItemSpec;
    }
    switch (type.kind) {
      case FieldKind::kAny:
        return skip();
      case FieldKind::kTuple:
        return at_.at() == '}' ? FormatError::kNone : FormatError::kInvalidSpec;
      case FieldKind::kTime:
        at_.take(':');
        return check_time(true);
      case FieldKind::kDuration:
      case FieldKind::kFloatDuration:
        return check_duration(type.kind);
      default:
        return check_standard(type.kind);
    }
  }

 private:
  constexpr FormatError skip() {
    for (int depth = 0; !at_.at_end(); ++at_.position) {
      if (at_.at() == '{') ++depth;
      if (at_.at() == '}' && depth-- == 0) return FormatError::kNone;
    }
    return FormatError::kInvalidSpec;
  }

  static constexpr bool is_align(char c) noexcept { return c == '<' || c == '>' || c == '^'; }

  static constexpr std::size_t code_point_length(char c) noexcept {
    const auto lead = static_cast<unsigned char>(c);
    return lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
  }

  constexpr FormatError take_align() {
    const std::size_t fill = code_point_length(at_.at());
    if (is_align(at_.at(fill))) {
      if (at_.at() == '{') return FormatError::kInvalidSpec;
      at_.position += fill + 1;
    } else if (is_align(at_.at())) {
      ++at_.position;
    }
    return FormatError::kNone;
  }

  constexpr FormatError take_size(bool required) {
    if (is_digit(at_.at())) {
      int ignored = 0;
      return at_.take_number(ignored) ? FormatError::kNone : FormatError::kInvalidSpec;
    }
    if (!at_.take('{')) return required ? FormatError::kInvalidSpec : FormatError::kNone;
    if (const FormatError error = sizes_(at_); error != FormatError::kNone) return error;
    return at_.take('}') ? FormatError::kNone : FormatError::kInvalidField;
  }

  /// [[fill]align][sign][#][0][width][.precision][L][type]
  constexpr FormatError check_standard(FieldKind kind) {
    const bool integral = kind <= FieldKind::kChar;
    const bool numeric = kind <= FieldKind::kFloat;
    if (at_.at() == '}') return FormatError::kNone;
    if (const FormatError error = take_align(); error != FormatError::kNone) return error;
    bool not_for_char = false;
    if (at_.at() == '+' || at_.at() == '-' || at_.at() == ' ') {
      if (!numeric) return FormatError::kNeedsNumber;
      if (kind == FieldKind::kBool || kind == FieldKind::kUnsigned) return FormatError::kNeedsSigned;
      not_for_char = true;
      ++at_.position;
    }
    if (at_.take('#')) {
      if (!numeric) return FormatError::kNeedsNumber;
      not_for_char = true;
    }
    if (at_.take('0')) {
      if (!numeric) return FormatError::kNeedsNumber;
      not_for_char = true;
    }
    if (const FormatError error = take_size(false); error != FormatError::kNone) return error;
    if (at_.take('.')) {
      if (integral || kind == FieldKind::kPointer) return FormatError::kNoPrecision;
      if (const FormatError error = take_size(true); error != FormatError::kNone) return error;
    }
    if (at_.take('L') && !numeric) return FormatError::kNeedsNumber;
    char type = '\0';
    if (!at_.at_end() && at_.at() != '}') {
      type = at_.at();
      if (std::string_view("doxXbBaAeEfFgGcsp?").find(type) == std::string_view::npos)
        return FormatError::kInvalidSpec;
      ++at_.position;
    }
    return check_type(kind, type, not_for_char);
  }

  static constexpr FormatError check_type(FieldKind kind, char type, bool not_for_char) {
    const auto one_of = [type](std::string_view types) {
      return type == '\0' || types.find(type) != std::string_view::npos;
    };
    bool fits = false;
    switch (kind) {
      case FieldKind::kBool:
        fits = one_of("sdoxXbBc");
        break;
      case FieldKind::kSigned:
      case FieldKind::kUnsigned:
        fits = one_of("doxXbBc");
        break;
      case FieldKind::kChar:
        fits = one_of("c?doxXbB");
        break;
      case FieldKind::kFloat:
        fits = one_of("aAeEfFgG");
        break;
      case FieldKind::kString:
        fits = one_of("s?");
        break;
      default:
        fits = one_of("p");
        break;
    }
    if (!fits) return FormatError::kInvalidType;
    const bool as_char = kind == FieldKind::kChar && (type == '\0' || type == 'c' || type == '?');
    return as_char && not_for_char ? FormatError::kInvalidSpec : FormatError::kNone;
  }

  constexpr FormatError check_duration(FieldKind kind) {
    if (at_.at() == '}') return FormatError::kNone;
    if (const FormatError error = take_align(); error != FormatError::kNone) return error;
    if (const FormatError error = take_size(false); error != FormatError::kNone) return error;
    if (at_.take('.')) {
      if (kind == FieldKind::kDuration) return FormatError::kNoPrecision;
      if (const FormatError error = take_size(true); error != FormatError::kNone) return error;
    }
    at_.take('L');
    return check_time(false);
  }

  /// Text with strftime's conversions: those of a date, or those of a length of time.
  constexpr FormatError check_time(bool date) {
    using namespace std::string_view_literals;
    while (!at_.at_end() && at_.at() != '}') {
      if (!at_.take('%')) {
        ++at_.position;
        continue;
      }
      std::string_view known = date ? "%ntYyCGgaAwubhBmUWVjdeHIMScxXDFrRTpzZ"sv : "%ntHIMSrRTpQq"sv;
      if (at_.take('E')) {
        known = date ? "YyCcxX"sv : ""sv;
      } else if (at_.take('O')) {
        known = date ? "ymUWVdewuHIMS"sv : "HIMS"sv;
      }
      if (at_.at_end() || known.find(at_.at()) == std::string_view::npos) return FormatError::kInvalidTime;
      ++at_.position;
    }
    return FormatError::kNone;
  }

  FormatCursor& at_;
  Sizes& sizes_;
};

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
