// SPDX-License-Identifier: MIT
// How far a message may outgrow its record: the format comes from another process, which may be broken.
#pragma once

#include <cstddef>

namespace logbus::record {

/// The largest width or precision. A record is at most 2 MiB long; nobody pads a field beyond that on
/// purpose.
inline constexpr int kLargestWidth = 1 << 20;
/// The length at which merging gives up: many fields of the largest width would fill the memory.
inline constexpr std::size_t kLongestMessage = std::size_t{64} << 20;

}  // namespace logbus::record
