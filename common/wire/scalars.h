// SPDX-License-Identifier: MIT
// A payload's arguments without decoding them into Values, where they are plain.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "record/scalar.h"

namespace logbus::wire {

/// More than any call site has in one byte's array header.
using Scalars = std::array<record::Scalar, 16>;

/// The arguments of a record with a site, if all are numbers, bools and UTF-8 strings in the forms that call
/// sites write, and no fields follow them. Nothing: decode the record. What is found here, the Decoder finds
/// too. Strings point into `payload`.
std::optional<std::span<const record::Scalar>> read_scalars(std::span<const std::byte> payload,
                                                            Scalars& scalars) noexcept;

}  // namespace logbus::wire
