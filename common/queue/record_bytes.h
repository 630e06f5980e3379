// SPDX-License-Identifier: MIT
// What a record takes of the heap.
#pragma once

#include <cstddef>

#include <logbus/log_record.h>

namespace logbus::queue {

/// What malloc adds to a block, and, on an average, rounds up.
inline constexpr std::size_t kBlockBytes = 16;

/// Bytes that the record has beyond its own object, used or not.
std::size_t bytes_of(const LogRecord& record);
/// Bytes that a copy of it needs at least. Copied over another record, it has at most both together.
std::size_t copied_bytes_of(const LogRecord& record);

}  // namespace logbus::queue
