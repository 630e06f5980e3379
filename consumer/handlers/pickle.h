// SPDX-License-Identifier: MIT
// A record as Python's SocketHandler pickles it: what logging.makeLogRecord(pickle.loads(...)) reads.
#pragma once

#include <string>
#include <string_view>

#include <logbus/log_record.h>

namespace logbus::handlers {

/// Appends the dictionary of the record's attributes, with `message` as its msg, in pickle protocol 1.
/// Python's types for Python's types; what Python has no type for is its text. Text that is not UTF-8 has
/// `\xNN` for each byte that does not fit; lone surrogates stay, as with Python's surrogatepass. Source:
/// SocketHandler.makePickle. Differs from Python: nothing is put into the memo, so that the same string twice
/// is two strings; the attribute asctime, which another handler's formatter leaves in Python's record, is
/// there only if the record came with it.
void append_pickle(const LogRecord& record, std::string_view message, std::string& out);

}  // namespace logbus::handlers
