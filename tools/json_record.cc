// SPDX-License-Identifier: MIT
// Records as JSON, and what logging.makeLogRecord() makes of a JSON object.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "base/process_identity.h"
#include "tools/json_text.h"

namespace logbus::tools {
namespace {

constexpr std::array<std::pair<std::string_view, MessageStyle>, 4> kStyles = {{
    {"{", MessageStyle::kBrace},
    {"%", MessageStyle::kPercent},
    {"verbatim", MessageStyle::kVerbatim},
    {"runtime", MessageStyle::kRuntimeBrace},
}};

template <class Integer>
bool take_integer(const Json& json, Integer& to) {
  if (json.is_number_unsigned()) {
    const auto number = json.get<std::uint64_t>();
    if (!std::in_range<Integer>(number)) return false;
    to = static_cast<Integer>(number);
    return true;
  }
  if (!json.is_number_integer()) return false;
  const auto number = json.get<std::int64_t>();
  if (!std::in_range<Integer>(number)) return false;
  to = static_cast<Integer>(number);
  return true;
}

bool take_text(const Json& json, std::string& to) {
  if (!json.is_string()) return false;
  to = json.get_ref<const std::string&>();
  return true;
}

/// A text that is absent when it is empty, and None in Python when it is absent.
bool take_optional_text(const Json& json, std::string& to) {
  if (json.is_null()) return to.clear(), true;
  return take_text(json, to) && !to.empty();
}

bool take_style(const Json& json, MessageStyle& to) {
  const auto known =
      std::find_if(kStyles.begin(), kStyles.end(), [&](const auto& s) { return json == s.first; });
  if (known == kStyles.end()) return false;
  to = known->second;
  return true;
}

/// The float seconds as integer nanoseconds. False if they do not lead back to this very float, or are the 0
/// that means a time not given.
bool take_created(const Json& json, std::int64_t& to) {
  constexpr double kFarthest = 9.2e9;
  if (!json.is_number() || !(std::abs(json.get<double>()) < kFarthest)) return false;
  to = std::llround(static_cast<long double>(json.get<double>()) * 1e9L);
  return to != 0 && json.is_number_float() && static_cast<double>(to) / 1e9 == json.get<double>();
}

/// A float, a bool or a number beyond int is a level too, for those who compare; what it is exactly stays
/// beside it.
bool take_level(const Json& json, int& to) {
  if (json.is_number_integer())
    to = json > 0 ? std::numeric_limits<int>::max() : std::numeric_limits<int>::min();
  if (json.is_boolean()) to = json.get<bool>() ? 1 : 0;
  if (json.is_number_float() && std::abs(json.get<double>()) < std::numeric_limits<int>::max())
    to = static_cast<int>(std::floor(json.get<double>()));
  return take_integer(json, to);
}

constexpr std::int64_t kMicrosecond = 1000;

/// Gives the attribute's member the value, if it can hold it: whatever it is, Python's attribute would be
/// just that.
bool take_attribute(LogRecord& record, std::string_view key, const Json& value) {
  if (key == "name") return take_text(value, record.name);
  if (key == "msg") return record.msg = to_value(value), true;
  if (key == "args") return record.args = to_value(value), true;
  if (key == "levelname") return take_text(value, record.levelname);
  if (key == "levelno") return take_level(value, record.levelno);
  if (key == "pathname") return take_text(value, record.pathname);
  if (key == "lineno") return take_integer(value, record.lineno);
  if (key == "funcName") return take_text(value, record.func_name);
  if (key == "exc_text") return take_optional_text(value, record.exc_text);
  if (key == "stack_info") return take_optional_text(value, record.stack_info);
  if (key == "created") return take_created(value, record.created_ns);
  if (key == "thread") return take_integer(value, record.thread) && record.thread != 0;
  if (key == "threadName") return take_text(value, record.thread_name) && !record.thread_name.empty();
  if (key == "process") return take_integer(value, record.process) && record.process != 0;
  if (key == "processName") return take_text(value, record.process_name) && !record.process_name.empty();
  return (key == "exc_info" || key == "taskName") && value.is_null();
}

/// Attributes of logging.LogRecord(None, None, "", 0, "", (), None) that no member can hold.
LogRecord empty_record() {
  LogRecord record;
  record.name = "None";
  record.args = List();
  record.levelname = "Level None";
  record.process = ::getpid();
  record.process_name = "MainProcess";
  record.thread = base::thread_id();
  record.thread_name = "MainThread";
  record.overrides = {{"name", None{}}, {"levelno", None{}}, {"funcName", None{}}};
  return record;
}

void set(Fields& fields, std::string_view key, Value value) {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.first == key; });
  if (found != fields.end())
    found->second = std::move(value);
  else
    fields.emplace_back(key, std::move(value));
}

const Json* find(const Json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

/// `created_ns` is exact where `created` is a float, perhaps one cut to microseconds: it counts unless the
/// two contradict each other.
bool take_created_ns(const Json& object, LogRecord& record) {
  std::int64_t ns = 0;
  const Json* exact = find(object, "created_ns");
  if (exact == nullptr || !take_integer(*exact, ns)) return false;
  const Json* created = find(object, "created");
  std::int64_t rounded = 0;
  if (created != nullptr) {
    const bool same = created->is_number() && created->get<double>() == static_cast<double>(ns) / 1e9;
    take_created(*created, rounded);
    if (!same && rounded != 0 && (rounded < ns - kMicrosecond || rounded > ns + kMicrosecond)) return false;
    // The float that was given stays, even where the nanoseconds would give its neighbour.
    std::erase_if(record.overrides, [](const auto& field) { return field.first == "created"; });
    if (!same || !created->is_number_float()) set(record.overrides, "created", to_value(*created));
  }
  record.created_ns = ns;
  return true;
}

/// `relativeCreated` says when the process started, if it is one that leads back to the same float.
void take_relative_created(const Json& json, LogRecord& record) {
  constexpr double kFarthest = 9e12;  // milliseconds that fit 64 bits as nanoseconds
  if (json.is_number_float() && record.created_ns != 0 && std::abs(json.get<double>()) < kFarthest &&
      !__builtin_sub_overflow(record.created_ns, std::llround(json.get<double>() * 1e6), &record.start_ns) &&
      record.relative_created() == json.get<double>() &&
      !(std::signbit(json.get<double>()) && record.relative_created() == 0))
    return;
  record.start_ns = 0;
  set(record.overrides, "relativeCreated", to_value(json));
}

/// makeLogRecord derives neither from a pathname: what isn't given is empty.
void take_derived(LogRecord& record, std::string_view key, std::string_view derived) {
  const auto given = std::find_if(record.overrides.begin(), record.overrides.end(),
                                  [&](const auto& field) { return field.first == key; });
  if (given == record.overrides.end()) {
    if (!derived.empty()) record.overrides.emplace_back(key, std::string());
  } else if (given->second == Value(std::string(derived))) {
    record.overrides.erase(given);
  }
}

}  // namespace

Json to_json(const LogRecord& record) {
  Json object = Json::object();
  object["name"] = record.name;
  object["msg"] = to_json(record.msg);
  object["args"] = to_json(record.args);
  const auto style =
      std::find_if(kStyles.begin(), kStyles.end(), [&](const auto& s) { return s.second == record.style; });
  object["style"] = style == kStyles.end() ? "%" : style->first;
  object["levelname"] = record.levelname;
  object["levelno"] = record.levelno;
  object["pathname"] = record.pathname;
  if (!record.pathname.empty()) {
    object["filename"] = record.filename();
    object["module"] = record.module();
  }
  object["lineno"] = record.lineno;
  object["funcName"] = record.func_name;
  if (!record.exc_text.empty()) object["exc_text"] = record.exc_text;
  if (!record.stack_info.empty()) object["stack_info"] = record.stack_info;
  object["created"] = record.created();
  object["created_ns"] = record.created_ns;
  if (record.start_ns != 0) object["relativeCreated"] = record.relative_created();
  object["thread"] = record.thread;
  object["threadName"] = record.thread_name;
  object["process"] = record.process;
  object["processName"] = record.process_name;
  for (const auto& [key, value] : record.overrides) object[key] = to_json(value);
  // An attribute of its own stands above a field of that name.
  for (const auto& [key, value] : record.extra)
    if (!object.contains(key)) object[key] = to_json(value);
  return object;
}

LogRecord make_log_record(const Json& object) {
  if (!object.is_object()) throw std::invalid_argument("not a JSON object");
  LogRecord record = empty_record();
  for (const auto& [key, value] : object.items()) {
    if (key == "relativeCreated" || key == "created_ns") continue;  // below: they depend on others
    if (key == "style" && take_style(value, record.style)) continue;
    const std::string& name = key;
    if (!is_log_record_attribute(name) || name == "message" || name == "asctime") {
      set(record.extra, name, to_value(value));
    } else if (take_attribute(record, name, value)) {
      std::erase_if(record.overrides, [&](const auto& field) { return field.first == name; });
    } else {
      set(record.overrides, name, to_value(value));
    }
  }
  take_derived(record, "filename", record.filename());
  take_derived(record, "module", record.module());
  if (!take_created_ns(object, record))
    if (const Json* given = find(object, "created_ns")) set(record.extra, "created_ns", to_value(*given));
  if (const Json* relative = find(object, "relativeCreated")) take_relative_created(*relative, record);
  return record;
}

}  // namespace logbus::tools
