// SPDX-License-Identifier: MIT
// One value through fmt's own formatter, with a spec that is only known at run time.
#pragma once

#include <iterator>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace logbus::record {

/// Appends `value` as "{:spec}" prints it. The spec holds no nested fields. Throws fmt::format_error.
template <class T>
void append_with_spec(const T& value, std::string_view spec, std::string& out) {
  fmt::basic_memory_buffer<char, 64> field;
  field.push_back('{');
  field.push_back(':');
  field.append(spec.data(), spec.data() + spec.size());
  field.push_back('}');
  fmt::vformat_to(std::back_inserter(out), fmt::string_view(field.data(), field.size()),
                  fmt::make_format_args(value));
}

}  // namespace logbus::record
