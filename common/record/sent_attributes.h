// SPDX-License-Identifier: MIT
// A record's attributes as Python's SocketHandler sends them, one by one.
#pragma once

#include <cstdint>
#include <string_view>

#include <logbus/log_record.h>

#include "record/record_attribute.h"

namespace logbus::record {

/// Calls `sink` for each attribute in the order of Python's LogRecord.__dict__, the extra fields behind them:
/// msg is `message`, args and exc_info are None, and there is no `message`. Source: SocketHandler.makePickle.
/// The sink has text(), text_or_none(), integer(), real(), none() and value(), each with an Attribute and
/// what they say, and field() with a key and a Value.
template <class Sink>
void visit_sent_attributes(const LogRecord& record, std::string_view message, Sink& sink) {
  using enum Attribute;
  if (record.overrides.empty()) [[likely]] {
    sink.text(kName, record.name);
    sink.text(kMsg, message);
    sink.none(kArgs);
    sink.text(kLevelname, record.levelname);
    sink.integer(kLevelno, record.levelno);
    sink.text(kPathname, record.pathname);
    sink.text(kFilename, record.filename());
    sink.text(kModule, record.module());
    sink.none(kExcInfo);
    sink.text_or_none(kExcText, record.exc_text);
    sink.text_or_none(kStackInfo, record.stack_info);
    sink.integer(kLineno, record.lineno);
    sink.text(kFuncName, record.func_name);
    sink.real(kCreated, record.created());
    sink.real(kMsecs, record.msecs());
    sink.real(kRelativeCreated, record.relative_created());
    sink.integer(kThread, record.thread);
    sink.text(kThreadName, record.thread_name);
    sink.text(kProcessName, record.process_name);
    sink.integer(kProcess, record.process);
    sink.none(kTaskName);
  } else {
    for (std::size_t index = 0; index < kRecordAttributes; ++index) {
      const auto attribute = static_cast<Attribute>(index);
      if (attribute == kMsg) {
        sink.text(attribute, message);
      } else if (attribute == kArgs || attribute == kExcInfo) {
        sink.none(attribute);
      } else if (const Value* given = find_field(record.overrides, attribute_name(attribute))) {
        sink.value(attribute, *given);
      } else {
        sink.value(attribute, attribute_value(record, attribute));
      }
    }
  }
  // An attribute stands above a field of its name.
  for (const auto& [key, value] : record.extra) {
    const auto known = attribute_from_name(key);
    if (!known || *known == kAsctime) sink.field(key, value);
  }
}

}  // namespace logbus::record
