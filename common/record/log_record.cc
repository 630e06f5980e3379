// SPDX-License-Identifier: MIT
// LogRecord's derived attributes and its message.
#include <logbus/log_record.h>

#include "record/brace_merge.h"
#include "record/percent_format.h"
#include "record/record_attribute.h"
#include "record/value_text.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

std::string LogRecord::get_message() const {
  std::string text;
  append_message(text);
  return text;
}

void LogRecord::append_message(std::string& out) const {
  const auto* text = msg.get_if<std::string>();
  if (text == nullptr) {
    // Only Python's records have a msg that is no string: str(msg), then % where there are arguments.
    if (style != MessageStyle::kPercent || !record::is_truthy(args)) return record::append_str(msg, out);
    std::string format;
    record::append_str(msg, format);
    return record::append_percent(format, record::python_args(args), out);
  }
  switch (style) {
    case MessageStyle::kBrace:
      return record::append_brace(*text, record::positional_args(args), extra, out);
    case MessageStyle::kRuntimeBrace:
      return record::append_runtime_brace(*text, record::positional_args(args), extra, out);
    case MessageStyle::kPercent:
      if (record::is_truthy(args)) return record::append_percent(*text, record::python_args(args), out);
      break;
    case MessageStyle::kVerbatim:
      break;
  }
  out += *text;
}

double LogRecord::created() const noexcept {
  return static_cast<double>(created_ns) / 1e9;
}

double LogRecord::msecs() const noexcept {
  constexpr std::int64_t kSecondNs = 1'000'000'000;
  std::int64_t second = created_ns / kSecondNs;
  std::int64_t rest = created_ns % kSecondNs;
  if (rest < 0) {
    rest += kSecondNs;
    --second;
  }
  const std::int64_t milliseconds = rest / 1'000'000;
  // The float `created` may round up into the next second; .999 must not be printed beside it.
  if (milliseconds == 999 && static_cast<std::int64_t>(created()) != second) return 0.0;
  return static_cast<double>(milliseconds);
}

double LogRecord::relative_created() const noexcept {
  return static_cast<double>(created_ns - start_ns) / 1e6;
}

std::string_view LogRecord::filename() const noexcept {
  const std::string_view path(pathname);
  const std::size_t slash = path.rfind('/');
  return slash == path.npos ? path : path.substr(slash + 1);
}

std::string_view LogRecord::module() const noexcept {
  const std::string_view file = filename();
  // os.path.splitext: leading dots belong to the name.
  const std::size_t begin = file.find_first_not_of('.');
  const std::size_t dot = file.rfind('.');
  if (begin == file.npos || dot == file.npos || dot < begin) return file;
  return file.substr(0, dot);
}

std::optional<Value> LogRecord::attribute(std::string_view wanted) const {
  if (const Value* given = record::find_field(overrides, wanted)) return *given;
  if (const auto known = record::attribute_from_name(wanted)) {
    if (*known == record::Attribute::kMessage || *known == record::Attribute::kAsctime) return std::nullopt;
    return record::attribute_value(*this, *known);
  }
  if (const Value* field = record::find_field(extra, wanted)) return *field;
  return std::nullopt;
}

bool is_log_record_attribute(std::string_view name) noexcept {
  return record::attribute_from_name(name).has_value();
}

}  // namespace abi1
}  // namespace logbus
