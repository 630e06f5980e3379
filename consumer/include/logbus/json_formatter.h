// SPDX-License-Identifier: MIT
// A LogRecord as a JSON object.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <logbus/detail/abi.h>
#include <logbus/formatter.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Settings of a JsonFormatter. The names that python-json-logger has for the same thing are its own.
struct JsonFormatterOptions {
  /// kLogbus: strict JSON on one line, in UTF-8, and no two keys of an object are the same. kPython: the
  /// bytes that python-json-logger 4 gives with Python's json module (NaN, spaces behind `:` and `,`).
  enum class Dialect { kLogbus, kPython };
  Dialect dialect = Dialect::kLogbus;

  /// Names its fields, in order: "%(asctime)s %(message)s"; a style beyond Formatter's is ',', "asctime,
  /// message". "": time, level, logger, message; for kPython the message alone.
  FormatterOptions format = {};
  /// The fields by themselves, instead of `format`.
  std::vector<std::string> fields = {};
  std::vector<std::pair<std::string, std::string>> rename_fields = {};
  bool rename_fields_keep_missing = false;
  Fields static_fields = {};
  /// Of kPython: attributes that only appear if they are named; nothing: all that every LogRecord has.
  std::optional<std::vector<std::string>> reserved_attrs = {};
  /// "": none. Else the key for an ISO 8601 time in UTC at the end.
  std::string timestamp = {};
  std::string prefix = {};
  /// What each level is indented by; nothing: one line.
  std::optional<std::string> indent = {};
  bool ensure_ascii = false;  // everything beyond ASCII as \uXXXX
  bool exc_info_as_array = false;
  bool stack_info_as_array = false;
  // Of kLogbus alone:
  bool extra_fields = true;  // fields of the call that `format` doesn't name
  int fraction_digits = 6;   // of the field `time`: 0, 3, 6 or 9
};

/// One JSON object a record: the chosen fields, the call's extra fields, then `exc_info` and `stack_info`
/// where there are such. Beside a record's attributes, kLogbus knows the fields `time` (RFC 3339, with
/// offset), `level` and `logger`; a named field that a record lacks is null, an extra field whose key is
/// taken gets a `_` behind it. Immutable; any number of threads. Source: pythonjsonlogger.json.JsonFormatter.
/// Differs from Python: exc_info_as_array splits a traceback that is text already, too.
class JsonFormatter : public Formatter {
 public:
  /// Throws logbus::Error if the style or the format is not valid.
  explicit JsonFormatter(JsonFormatterOptions options = {});
  ~JsonFormatter() override;

  using Formatter::format;
  void format(const LogRecord& record, std::string& out) const override;

 private:
  class Object;

  const JsonFormatterOptions options_;
  const Formatter seconds_;           // of the field `time`
  std::vector<std::string> fields_;   // in order
  std::vector<std::string> skipped_;  // attributes that don't come by themselves
};

}  // namespace abi1
}  // namespace logbus
