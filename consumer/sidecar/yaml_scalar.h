// SPDX-License-Identifier: MIT
// What a plain YAML scalar means: the YAML 1.1 rules that PyYAML's safe_load follows.
#pragma once

#include <cstdint>
#include <string_view>
#include <variant>

namespace logbus::sidecar {

struct NullScalar {
  bool operator==(const NullScalar&) const = default;
};
struct TextScalar {  // stays the text it is
  bool operator==(const TextScalar&) const = default;
};
struct TimestampScalar {  // a date, or a date and a time
  bool operator==(const TimestampScalar&) const = default;
};
struct MergeScalar {  // the key `<<`
  bool operator==(const MergeScalar&) const = default;
};
struct BadScalar {  // matches a type's pattern but is no value of it: `0x`, an integer beyond 64 bits,
                    // 2024-13-45, a bare `=`
  bool operator==(const BadScalar&) const = default;
};
using Scalar =
    std::variant<NullScalar, bool, std::int64_t, double, TextScalar, TimestampScalar, MergeScalar, BadScalar>;

/// The value of the unquoted scalar `text`. Source: PyYAML 6.0, yaml/resolver.py and yaml/constructor.py.
Scalar resolve_scalar(std::string_view text);

/// `text` read as an integer or a float whatever its pattern (an explicit !!int, !!float); BadScalar if it
/// isn't one.
Scalar construct_integer(std::string_view text);
Scalar construct_float(std::string_view text);

}  // namespace logbus::sidecar
