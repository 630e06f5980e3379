// SPDX-License-Identifier: MIT
// The attributes that every LogRecord has, by number: what a compiled format refers to.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <logbus/log_record.h>

namespace logbus::record {

/// In the order of LogRecord.__dict__; the last two are set by the Formatter.
enum class Attribute : std::uint8_t {
  kName,
  kMsg,
  kArgs,
  kLevelname,
  kLevelno,
  kPathname,
  kFilename,
  kModule,
  kExcInfo,
  kExcText,
  kStackInfo,
  kLineno,
  kFuncName,
  kCreated,
  kMsecs,
  kRelativeCreated,
  kThread,
  kThreadName,
  kProcessName,
  kProcess,
  kTaskName,
  kMessage,
  kAsctime,
};

inline constexpr std::size_t kRecordAttributes = static_cast<std::size_t>(Attribute::kMessage);

std::string_view attribute_name(Attribute attribute) noexcept;
std::optional<Attribute> attribute_from_name(std::string_view name) noexcept;

/// The positional arguments; none for a mapping or None.
const List& positional_args(const Value& args) noexcept;
/// `args` as Python keeps it: one non-empty mapping as the only argument is the mapping itself.
const Value& python_args(const Value& args) noexcept;

/// The member's value; `overrides` are not looked at. Not for kMessage and kAsctime.
Value attribute_value(const LogRecord& record, Attribute attribute);
/// str() of the same, appended without making a Value where the member is text or a number.
void append_attribute(const LogRecord& record, Attribute attribute, std::string& out);

/// The value under `name`, or null.
const Value* find_field(const Fields& fields, std::string_view name) noexcept;

}  // namespace logbus::record
