// SPDX-License-Identifier: MIT
// A record's attributes as plain msgpack, for receivers that know nothing of logbus.
#pragma once

#include <string>
#include <string_view>

#include <logbus/log_record.h>

namespace logbus::wire {

/// Appends a map of the attributes that Python's SocketHandler sends, with `message` as msg. No extension
/// types, and keys are text: tuples and sets are arrays, other values that msgpack doesn't have are their
/// text. Strings that are not UTF-8 get `\xNN` for each byte that does not fit. May throw std::bad_alloc.
void encode_attributes(const LogRecord& record, std::string_view message, std::string& out);

}  // namespace logbus::wire
