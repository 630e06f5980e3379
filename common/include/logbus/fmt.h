// SPDX-License-Identifier: MIT
// Include this to log types that have a fmt::formatter. Their text is made at the call, with the field's
// spec.
#pragma once

#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include <logbus/detail/abi.h>
#include <logbus/detail/encode.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

template <class T>
requires(fmt::has_formatter<T, fmt::format_context>::value) struct ByFmt<T> : std::true_type {
  static void append(Scratch& scratch, const T& value, std::string_view spec) {
    fmt::memory_buffer field;
    field.append(std::string_view("{:"));
    field.append(spec);
    field.push_back('}');
    fmt::memory_buffer text;
    fmt::vformat_to(std::back_inserter(text), fmt::string_view(field.data(), field.size()),
                    fmt::make_format_args(value));
    append_text(scratch, std::string_view(text.data(), text.size()));
  }
};

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
