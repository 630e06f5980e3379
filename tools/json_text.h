// SPDX-License-Identifier: MIT
// Values and records as JSON, and back.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include <logbus/log_record.h>

namespace logbus::tools {

using Json = nlohmann::ordered_json;

/// What JSON has no type for is an object with one key: {"$char": "x"}, {"$tuple": [...]}, {"$set": [...]},
/// {"$text": "..."}, {"$pointer": N}, {"$time": [s, ns]}, {"$duration": [num, den, count]}, {"$float32": x},
/// {"$float": "nan"}, and {"$dict": [[key, value], ...]} for a dict with keys that are no strings.
Json to_json(const Value& value);
Value to_value(const Json& json);

/// The record's attributes under Python's names, then its extra fields; "style" and "created_ns" are ours.
Json to_json(const LogRecord& record);

/// What logging.makeLogRecord() makes of the object: absent keys get Python's defaults, unknown ones are
/// extra. Differs from Python: `style` ("%", "{", "runtime", "verbatim") and an integer `created_ns` are
/// members. A created_ns of 0 means that the record has none. Throws std::invalid_argument if it is no
/// object.
LogRecord make_log_record(const Json& object);

/// One line of JSON. Throws std::invalid_argument with what is wrong.
Json parse_json_line(std::string_view line);
/// On one line, control characters escaped (DEL and C1 too), bytes that are not UTF-8 replaced.
std::string json_line(const Json& json);

}  // namespace logbus::tools
