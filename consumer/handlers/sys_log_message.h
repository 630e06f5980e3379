// SPDX-License-Identifier: MIT
// The parts of a syslog message: its numbers' names, and the header of RFC 5424.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <logbus/log_record.h>

namespace logbus::handlers {

/// Source: logging.handlers.SysLogHandler.facility_names and priority_names.
std::optional<int> sys_log_facility(std::string_view name) noexcept;
std::optional<int> sys_log_priority(std::string_view name) noexcept;
/// "auth, authpriv, ...", for messages.
std::string sys_log_facility_names();

/// The header of RFC 5424, section 6, and the call's extra fields as its structured data. What is longer than
/// a field may be is cut there; what it may not hold becomes `_`. One thread.
class Rfc5424Header {
 public:
  struct Options {
    std::string hostname;              // "": this machine's
    std::string app_name;              // "": the record's processName
    std::uint32_t enterprise = 32473;  // of the structured data's name: RFC 5612's number for examples
  };
  explicit Rfc5424Header(Options options);

  /// Appends what is between PRI and MSG: `1 TIMESTAMP HOSTNAME APP-NAME PROCID MSGID STRUCTURED-DATA `. The
  /// logger's name is the MSGID, the process id the PROCID.
  void append(const LogRecord& record, std::string& out);
  /// Puts the byte order mark that RFC 5424 asks of a MSG in UTF-8 before the one that begins there. ASCII
  /// alone, which is the same in any encoding, gets none; nor does what is no UTF-8.
  static void insert_mark(std::string& out, std::size_t begin);

 private:
  void append_time(std::int64_t ns_since_epoch, std::string& out);

  Options options_;
  std::string data_id_;       // "extra@32473"
  std::int64_t second_ = -1;  // that second_text_ is of
  std::string second_text_;   // "2026-03-01T09:14:02"
  std::string value_;
};

}  // namespace logbus::handlers
