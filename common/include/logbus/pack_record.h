// SPDX-License-Identifier: MIT
// A record as bytes, for queues and transports of a user's own.
#pragma once

#include <string>
#include <string_view>

#include <logbus/detail/abi.h>
#include <logbus/log_record.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Appends the whole record, arguments apart from the message, as one msgpack value. May throw
/// std::bad_alloc. Source: FORMAT.md, a record without a site.
void pack_record(const LogRecord& record, std::string& out);

/// The record again; `bytes` may come from anybody. False if they are no record: its content is unspecified
/// then. `late` and `truncated` do not travel.
[[nodiscard]] bool unpack_record(std::string_view bytes, LogRecord& record) noexcept;

}  // namespace abi1
}  // namespace logbus
