// SPDX-License-Identifier: MIT
// What can be wrong with a format, as the names that a compiler prints.
#pragma once

#include <cstdint>

#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

enum class FormatError : std::uint8_t {
  kNone,
  kUnmatchedBrace,
  kInvalidField,
  kMixedIndexing,
  kArgumentMissing,
  kArgumentUnused,
  kPercentStyle,
  kNoSuchField,
  kInvalidSpec,
  kInvalidType,
  kNeedsNumber,
  kNeedsSigned,
  kNoPrecision,
  kSizeNotInteger,
  kInvalidTime,
  kTwoSpecs,
  kSizeFromArgument,
  kItemSpec,
};

// Not constexpr and nowhere defined: a consteval constructor that reaches one is a compile error with its
// name.
void format_has_an_unmatched_brace();
void format_has_an_invalid_replacement_field();
void format_mixes_automatic_and_numbered_fields();
void format_needs_an_argument_that_is_missing();
void format_leaves_an_argument_unused();
void format_is_in_percent_style_use_braces();
void format_names_a_field_that_no_kv_gives();
void format_spec_is_invalid();
void format_spec_has_a_type_that_does_not_fit_its_argument();
void format_spec_needs_a_numeric_argument();
void format_spec_needs_a_signed_argument();
void format_spec_may_not_have_a_precision();
void format_takes_a_width_or_precision_from_a_non_integer();
void format_spec_has_an_invalid_time_conversion();
void format_uses_an_argument_that_becomes_text_in_the_worker_with_two_specs();
void format_spec_of_an_argument_that_becomes_text_in_the_worker_takes_its_width_from_another();
void format_spec_is_for_items_that_become_text_in_the_worker();

constexpr void report(FormatError error) {
  switch (error) {
    case FormatError::kNone:
      return;
    case FormatError::kUnmatchedBrace:
      return format_has_an_unmatched_brace();
    case FormatError::kInvalidField:
      return format_has_an_invalid_replacement_field();
    case FormatError::kMixedIndexing:
      return format_mixes_automatic_and_numbered_fields();
    case FormatError::kArgumentMissing:
      return format_needs_an_argument_that_is_missing();
    case FormatError::kArgumentUnused:
      return format_leaves_an_argument_unused();
    case FormatError::kPercentStyle:
      return format_is_in_percent_style_use_braces();
    case FormatError::kNoSuchField:
      return format_names_a_field_that_no_kv_gives();
    case FormatError::kInvalidSpec:
      return format_spec_is_invalid();
    case FormatError::kInvalidType:
      return format_spec_has_a_type_that_does_not_fit_its_argument();
    case FormatError::kNeedsNumber:
      return format_spec_needs_a_numeric_argument();
    case FormatError::kNeedsSigned:
      return format_spec_needs_a_signed_argument();
    case FormatError::kNoPrecision:
      return format_spec_may_not_have_a_precision();
    case FormatError::kSizeNotInteger:
      return format_takes_a_width_or_precision_from_a_non_integer();
    case FormatError::kInvalidTime:
      return format_spec_has_an_invalid_time_conversion();
    case FormatError::kTwoSpecs:
      return format_uses_an_argument_that_becomes_text_in_the_worker_with_two_specs();
    case FormatError::kSizeFromArgument:
      return format_spec_of_an_argument_that_becomes_text_in_the_worker_takes_its_width_from_another();
    case FormatError::kItemSpec:
      return format_spec_is_for_items_that_become_text_in_the_worker();
  }
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
