// SPDX-License-Identifier: MIT
// Arguments that travel as text made in the worker with the field's own spec (ext 4).
#pragma once

#include <cstdint>
#include <cstring>
#include <ctime>
#include <string_view>

#include <logbus/detail/abi.h>
#include <logbus/detail/encode_bytes.h>
#include <logbus/detail/encode_kind.h>
#include <logbus/detail/encode_scratch.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

/// Appends `text` as one value of the text extension.
inline void append_text(Scratch& scratch, std::string_view text) noexcept {
  if (char* to = scratch.reserve(kExtHeaderSize + text.size())) {
    put_bytes(put_ext_header(to, kExtText, static_cast<std::uint32_t>(text.size())), text.data(),
              text.size());
  }
}

// In compiled code, so that no fmt is seen here. None throws: a spec that doesn't fit becomes the text
// `<argument threw: ...>`. Each appends one value.
void append_formatted(Scratch& scratch, long double value, std::string_view spec) noexcept;
void append_formatted(Scratch& scratch, Int128 value, std::string_view spec) noexcept;
void append_formatted(Scratch& scratch, UInt128 value, std::string_view spec) noexcept;
void append_formatted(Scratch& scratch, const std::tm& value, std::string_view spec) noexcept;
/// `value` is text already (an operator<<); the spec aligns and cuts it.
void append_formatted(Scratch& scratch, std::string_view value, std::string_view spec) noexcept;
/// A duration of `count` units of numerator/denominator seconds.
void append_duration(Scratch& scratch, std::int64_t count, std::intmax_t numerator, std::intmax_t denominator,
                     std::string_view spec) noexcept;
void append_duration(Scratch& scratch, double count, std::intmax_t numerator, std::intmax_t denominator,
                     std::string_view spec) noexcept;
void append_duration(Scratch& scratch, float count, std::intmax_t numerator, std::intmax_t denominator,
                     std::string_view spec) noexcept;
/// The text that stands for an argument whose user code threw.
void append_threw(Scratch& scratch, const char* what) noexcept;

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
