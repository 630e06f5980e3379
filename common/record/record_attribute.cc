// SPDX-License-Identifier: MIT
// Names and values of the attributes that every LogRecord has.
#include "record/record_attribute.h"

#include <algorithm>
#include <array>
#include <iterator>

#include <fmt/format.h>

#include "record/float_text.h"
#include "record/integer_text.h"
#include "record/value_text.h"

namespace logbus::record {
namespace {

constexpr std::array<std::string_view, 23> kNames = {
    "name",        "msg",     "args",     "levelname",       "levelno",    "pathname",
    "filename",    "module",  "exc_info", "exc_text",        "stack_info", "lineno",
    "funcName",    "created", "msecs",    "relativeCreated", "thread",     "threadName",
    "processName", "process", "taskName", "message",         "asctime"};

Value text_or_none(const std::string& text) {
  if (text.empty()) return None{};
  return text;
}

Value thread_value(std::uint64_t thread) {
  if (thread > static_cast<std::uint64_t>(INT64_MAX)) return thread;
  return static_cast<std::int64_t>(thread);
}

void append_args(const Value& given, std::string& out) {
  const Value& args = python_args(given);
  if (const auto* items = args.get_if<List>()) {
    append_tuple_repr(*items, out);
  } else {
    append_str(args, out);
  }
}

Value args_value(const Value& given) {
  const Value& args = python_args(given);
  if (const auto* items = args.get_if<List>()) return Tuple{*items};
  return args;
}

}  // namespace

const List& positional_args(const Value& args) noexcept {
  static const auto* none = new List;  // never destroyed: static destructors log too
  if (const auto* items = args.get_if<List>()) return *items;
  if (const auto* tuple = args.get_if<Tuple>()) return tuple->items;
  return *none;
}

const Value& python_args(const Value& args) noexcept {
  const List& items = positional_args(args);
  if (items.size() != 1) return args;
  const auto* mapping = items.front().get_if<Dict>();
  return mapping != nullptr && !mapping->empty() ? items.front() : args;
}

std::string_view attribute_name(Attribute attribute) noexcept {
  return kNames[static_cast<std::size_t>(attribute)];
}

std::optional<Attribute> attribute_from_name(std::string_view name) noexcept {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Attribute>(found - kNames.begin());
}

Value attribute_value(const LogRecord& record, Attribute attribute) {
  switch (attribute) {
    case Attribute::kName:
      return record.name;
    case Attribute::kMsg:
      return record.msg;
    case Attribute::kArgs:
      return args_value(record.args);
    case Attribute::kLevelname:
      return record.levelname;
    case Attribute::kLevelno:
      return record.levelno;
    case Attribute::kPathname:
      return record.pathname;
    case Attribute::kFilename:
      return record.filename();
    case Attribute::kModule:
      return record.module();
    case Attribute::kExcText:
      return text_or_none(record.exc_text);
    case Attribute::kStackInfo:
      return text_or_none(record.stack_info);
    case Attribute::kLineno:
      return record.lineno;
    case Attribute::kFuncName:
      return record.func_name;
    case Attribute::kCreated:
      return record.created();
    case Attribute::kMsecs:
      return record.msecs();
    case Attribute::kRelativeCreated:
      return record.relative_created();
    case Attribute::kThread:
      return thread_value(record.thread);
    case Attribute::kThreadName:
      return record.thread_name;
    case Attribute::kProcessName:
      return record.process_name;
    case Attribute::kProcess:
      return record.process;
    case Attribute::kExcInfo:
    case Attribute::kTaskName:
    case Attribute::kMessage:
    case Attribute::kAsctime:
      break;
  }
  return None{};
}

void append_attribute(const LogRecord& record, Attribute attribute, std::string& out) {
  switch (attribute) {
    case Attribute::kName:
      out += record.name;
      return;
    case Attribute::kMsg:
      return append_str(record.msg, out);
    case Attribute::kArgs:
      return append_args(record.args, out);
    case Attribute::kLevelname:
      out += record.levelname;
      return;
    case Attribute::kLevelno:
      return append_integer(record.levelno, out);
    case Attribute::kPathname:
      out += record.pathname;
      return;
    case Attribute::kFilename:
      out += record.filename();
      return;
    case Attribute::kModule:
      out += record.module();
      return;
    case Attribute::kExcText:
      out += record.exc_text.empty() ? std::string_view("None") : record.exc_text;
      return;
    case Attribute::kStackInfo:
      out += record.stack_info.empty() ? std::string_view("None") : record.stack_info;
      return;
    case Attribute::kLineno:
      return append_integer(record.lineno, out);
    case Attribute::kFuncName:
      out += record.func_name;
      return;
    case Attribute::kCreated:
      return append_float_repr(record.created(), out);
    case Attribute::kMsecs:
      return append_float_repr(record.msecs(), out);
    case Attribute::kRelativeCreated:
      return append_float_repr(record.relative_created(), out);
    case Attribute::kThread:
      return append_integer(record.thread, out);
    case Attribute::kThreadName:
      out += record.thread_name;
      return;
    case Attribute::kProcessName:
      out += record.process_name;
      return;
    case Attribute::kProcess:
      return append_integer(record.process, out);
    case Attribute::kExcInfo:
    case Attribute::kTaskName:
    case Attribute::kMessage:
    case Attribute::kAsctime:
      break;
  }
  out += "None";
}

const Value* find_field(const Fields& fields, std::string_view name) noexcept {
  for (const auto& [key, value] : fields) {
    if (key == name) return &value;
  }
  return nullptr;
}

}  // namespace logbus::record
