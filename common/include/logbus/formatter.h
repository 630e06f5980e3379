// SPDX-License-Identifier: MIT
// Python's Formatter: a LogRecord becomes text.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <logbus/detail/abi.h>
#include <logbus/log_record.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Settings of a Formatter; "" means absent, as in Python.
struct FormatterOptions {
  std::string format = {};   // "": the message alone
  std::string datefmt = {};  // strftime; "": "%Y-%m-%d %H:%M:%S,mmm"
  char style = '%';          // '%', '{' or '$'
  bool validate = true;
  Fields defaults = {};  // fields for records that lack them
  bool utc = false;      // converter: gmtime instead of localtime
  std::string default_time_format = "%Y-%m-%d %H:%M:%S";
  std::string default_msec_format = "%s,%03d";  // "": no milliseconds
  /// Against forged lines: control characters in what a record brings are written as `\n`, `\x1b`, `\u2028`.
  /// The lines of exc_text and stack_info stay lines, each four spaces in, so that no line but a record's
  /// first begins as the format does. Not Python's.
  bool escape = false;
};

/// Source: logging.Formatter. Immutable once made; format() may run on several threads at once.
class Formatter {
 public:
  /// Throws logbus::Error with Python's sentence if the style or the format is not valid.
  explicit Formatter(FormatterOptions options = {});
  virtual ~Formatter();
  Formatter(const Formatter&) = delete;
  Formatter& operator=(const Formatter&) = delete;

  /// Appends the record's text (no terminator) to `out`. Throws std::exception if a field is missing or
  /// doesn't fit its conversion; `out` may then hold a part: the caller cuts it back.
  virtual void format(const LogRecord& record, std::string& out) const;
  std::string format(const LogRecord& record) const;
  /// Appends the record's time as the options say.
  virtual void format_time(const LogRecord& record, std::string& out) const;

  class Program;
  /// The compiled format, for the library's own use.
  const Program& program() const noexcept { return *program_; }

 private:
  std::unique_ptr<const Program> program_;
};

}  // namespace abi1
}  // namespace logbus
