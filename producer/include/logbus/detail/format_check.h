// SPDX-License-Identifier: MIT
// A whole format, checked against the types of its arguments at compile time.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <logbus/detail/abi.h>
#include <logbus/detail/field_type.h>
#include <logbus/detail/format_error.h>
#include <logbus/detail/format_spec.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

/// How many different names a format may use, and arguments a call may have.
inline constexpr std::size_t kMaxArguments = 64;

/// Walks a format once. `positional` are the types that `{}` and `{0}` mean, `named` those of the kvs, whose
/// keys are values and so not known here: a `{name}` must fit one of them at least.
class FormatChecker {
 public:
  constexpr FormatChecker(std::string_view format, std::span<const FieldType> positional,
                          std::span<const FieldType> named) noexcept
      : at_{format}, positional_(positional), named_(named) {}

  constexpr FormatError check() {
    while (!at_.at_end()) {
      const char c = at_.at();
      ++at_.position;
      if (c == '}') {
        if (!at_.take('}')) return FormatError::kUnmatchedBrace;
      } else if (c == '{' && !at_.take('{')) {
        if (const FormatError error = check_field(); error != FormatError::kNone) return error;
      }
    }
    for (std::size_t i = 0; i < positional_.size(); ++i) {
      if (!used_[i])
        return has_percent_conversion() ? FormatError::kPercentStyle : FormatError::kArgumentUnused;
    }
    return FormatError::kNone;
  }

  /// Behind the brace of a width or precision.
  constexpr FormatError operator()(FormatCursor&) {
    Reference size;
    if (const FormatError error = take_reference(size, '}'); error != FormatError::kNone) return error;
    const auto fits = [](const FieldType& type) {
      const bool integer = type.kind == FieldKind::kSigned || type.kind == FieldKind::kUnsigned;
      return integer && type.lists == 0 && !type.optional && !type.worker_text;
    };
    size_from_argument_ = true;
    if (!size.name.empty()) {
      for (const FieldType& type : named_) {
        if (fits(type)) return FormatError::kNone;
      }
      return FormatError::kSizeNotInteger;
    }
    return fits(positional_[size.index]) ? FormatError::kNone : FormatError::kSizeNotInteger;
  }

 private:
  struct Reference {
    std::string_view name;  // "": positional
    std::size_t index = 0;
  };

  constexpr FormatError check_field() {
    Reference field;
    if (const FormatError error = take_reference(field, ':'); error != FormatError::kNone) return error;
    std::string_view spec;
    FormatError error = FormatError::kNone;
    size_from_argument_ = false;
    if (at_.take(':')) {
      const FormatCursor begin = at_;
      const Numbering numbering = numbering_;
      if (field.name.empty()) {
        error = check_spec(positional_[field.index]);
      } else {
        for (const FieldType& type : named_) {
          at_ = begin;
          numbering_ = numbering;
          if (error = check_spec(type); error == FormatError::kNone && at_.at() == '}') break;
        }
      }
      if (error != FormatError::kNone) return error;
      spec = at_.text.substr(begin.position, at_.position - begin.position);
      if (at_.at() != '}') return FormatError::kInvalidSpec;
    }
    if (!at_.take('}')) return FormatError::kInvalidField;
    return field.name.empty() ? note_spec(field.index, spec) : FormatError::kNone;
  }

  constexpr FormatError check_spec(const FieldType& type) {
    return SpecChecker<FormatChecker>(at_, *this).check(type);
  }

  /// The worker makes one text for the argument, so all its fields must agree, and knows no other argument.
  constexpr FormatError note_spec(std::size_t index, std::string_view spec) {
    if (!positional_[index].worker_text) return FormatError::kNone;
    if (size_from_argument_) return FormatError::kSizeFromArgument;
    if (has_spec_[index] && specs_[index] != spec) return FormatError::kTwoSpecs;
    has_spec_[index] = true;
    specs_[index] = spec;
    return FormatError::kNone;
  }

  constexpr FormatError take_reference(Reference& reference, char end) {
    if (at_.at() == '}' || at_.at() == end) {
      if (numbering_.manual) return FormatError::kMixedIndexing;
      numbering_.automatic = true;
      reference.index = numbering_.next++;
    } else if (is_digit(at_.at())) {
      if (numbering_.automatic) return FormatError::kMixedIndexing;
      numbering_.manual = true;
      int index = 0;
      if (at_.at() == '0' && is_digit(at_.at(1))) return FormatError::kInvalidField;
      if (!at_.take_number(index)) return FormatError::kArgumentMissing;
      reference.index = static_cast<std::size_t>(index);
    } else if (is_name_start(at_.at())) {
      reference.name = at_.take_name();
      return note_name(reference.name);
    } else {
      return FormatError::kInvalidField;
    }
    if (reference.index >= positional_.size()) return FormatError::kArgumentMissing;
    used_[reference.index] = true;
    return FormatError::kNone;
  }

  constexpr FormatError note_name(std::string_view name) {
    for (std::size_t i = 0; i < names_used_; ++i) {
      if (names_[i] == name) return FormatError::kNone;
    }
    if (names_used_ >= named_.size() || names_used_ >= kMaxArguments) return FormatError::kNoSuchField;
    names_[names_used_++] = name;
    return FormatError::kNone;
  }

  constexpr bool has_percent_conversion() const noexcept {
    const std::string_view text = at_.text;
    for (std::size_t i = 0; i + 1 < text.size(); ++i) {
      if (text[i] == '%' && (is_name_start(text[i + 1]) || is_digit(text[i + 1]) || text[i + 1] == '.'))
        return true;
    }
    return false;
  }

  struct Numbering {
    bool automatic = false;
    bool manual = false;
    std::size_t next = 0;
  };

  FormatCursor at_;
  std::span<const FieldType> positional_;
  std::span<const FieldType> named_;
  Numbering numbering_;
  bool size_from_argument_ = false;
  bool used_[kMaxArguments] = {};
  bool has_spec_[kMaxArguments] = {};
  std::string_view specs_[kMaxArguments] = {};
  std::string_view names_[kMaxArguments] = {};
  std::size_t names_used_ = 0;
};

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
