// SPDX-License-Identifier: MIT
// Python's LogRecord: one logging event, its message and arguments not yet merged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <logbus/detail/abi.h>
#include <logbus/value.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// How `msg` and `args` become text: fmt's `{}` (C++ call sites), Python's `%`, not at all, or `{}` with a
/// format that was not checked at compile time (a bad one prints itself and its arguments).
enum class MessageStyle : std::uint8_t { kBrace = 0, kPercent = 1, kVerbatim = 2, kRuntimeBrace = 3 };

/// An attribute beyond Python's own: key and value, in the order given.
using Fields = std::vector<std::pair<std::string, Value>>;

/// Where on a bus a record lay: the same if it is delivered twice, and of no other record.
struct RecordOrigin {
  std::uint64_t bus = 0;       // the first eight bytes of its uuid; 0: the record was on no bus
  std::uint64_t position = 0;  // in its lane, in bytes: grows from record to record
  std::uint32_t lane = 0;
};

/// One event. Owns all that it holds; copyable; not thread-safe. Source: logging.LogRecord.
/// Differs from Python: time is kept in integer nanoseconds and Python's floats are derived; exc_info does
/// not exist, exc_text does; an empty exc_text or stack_info means absent.
struct LogRecord {
  std::string name = "root";
  Value msg = std::string();
  /// None, a List (positional) or a Dict (one mapping).
  Value args;
  MessageStyle style = MessageStyle::kPercent;
  int levelno = 0;
  std::string levelname;
  std::string pathname;
  int lineno = 0;
  std::string func_name;
  std::string exc_text;
  std::string stack_info;
  std::int64_t created_ns = 0;  // since the Unix epoch
  std::int64_t start_ns = 0;    // when the process attached: relativeCreated counts from here
  std::uint64_t thread = 0;     // the kernel's tid
  std::string thread_name;
  std::string process_name;
  std::int64_t process = 0;  // pid
  /// `extra`: fields the call gave, in order.
  Fields extra;
  /// Python attributes whose value was given outright and can't be held above (makeLogRecord with name =
  /// None, a float msecs ...), by Python's name. Looked at before the members.
  Fields overrides;
  /// Set by the drain: the record came after a later one had been emitted.
  bool late = false;
  /// A string was cut to make the record fit a lane.
  bool truncated = false;
  /// Set by the drain.
  RecordOrigin origin;

  /// The text: msg and args merged as `style` says. Throws std::exception if they don't fit each other.
  std::string get_message() const;
  /// The same, appended to `out`: no allocation once `out` has grown.
  void append_message(std::string& out) const;

  double created() const noexcept;           // seconds, float
  double msecs() const noexcept;             // whole milliseconds within the second
  double relative_created() const noexcept;  // milliseconds since start_ns
  std::string_view filename() const noexcept;
  std::string_view module() const noexcept;

  /// The attribute that Python calls `name` (levelname, funcName, created, ... or an extra field), or
  /// nothing. `message` and `asctime` are the Formatter's and not found here.
  std::optional<Value> attribute(std::string_view name) const;
};

/// Whether `name` is an attribute that every LogRecord has (so that no extra field may take it), or is one of
/// the Formatter's two, `message` and `asctime`.
bool is_log_record_attribute(std::string_view name) noexcept;

}  // namespace abi1
}  // namespace logbus
