// SPDX-License-Identifier: MIT
// What the comparison with CPython drives: reads one JSON request a line, answers one JSON line.
#include <cstdlib>
#include <fstream>
#include <limits>
#include <memory>
#include <string>

#include <nlohmann/json.hpp>

#include <logbus/error.h>
#include <logbus/formatter.h>
#include <logbus/rotating_file_handler.h>

#include "handlers/text_encoder.h"
#include "helper_loop.h"
#include "record/record_attribute.h"

namespace {

using Json = nlohmann::ordered_json;
using logbus::Value;

Value to_value(const Json& json);

logbus::List to_list(const Json& json) {
  logbus::List items;
  for (const Json& item : json) items.push_back(to_value(item));
  return items;
}

// What JSON has no word for is an object with one key: {"$tuple": [...]}, {"$set": [...]}, {"$float": "nan"}.
Value to_object(const Json& json) {
  if (json.contains("$tuple")) return logbus::Tuple{to_list(json.at("$tuple"))};
  if (json.contains("$set")) return logbus::Set{to_list(json.at("$set"))};
  if (json.contains("$float")) return std::strtod(json.at("$float").get<std::string>().c_str(), nullptr);
  logbus::Dict dict;
  for (const auto& [key, value] : json.items()) dict.emplace_back(key, to_value(value));
  return dict;
}

Value to_value(const Json& json) {
  if (json.is_null()) return logbus::None{};
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_float()) return json.get<double>();
  if (json.is_number_unsigned() && json.get<std::uint64_t>() > std::numeric_limits<std::int64_t>::max()) {
    return json.get<std::uint64_t>();
  }
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_string()) return json.get<std::string>();
  return json.is_array() ? Value(to_list(json)) : to_object(json);
}

template <class Text>
bool take_text(const Json& value, Text& member) {
  if (!value.is_string()) return false;
  member = value.get<std::string>();
  return true;
}

template <class Integer>
bool take_integer(const Json& value, Integer& member) {
  if (!value.is_number_integer()) return false;
  member = value.get<Integer>();
  return true;
}

// Whether `value` fits the member that Python calls `key`.
bool take_member(logbus::LogRecord& record, const std::string& key, const Json& value) {
  if (key == "name") return take_text(value, record.name);
  if (key == "levelname") return take_text(value, record.levelname);
  if (key == "pathname") return take_text(value, record.pathname);
  if (key == "funcName") return take_text(value, record.func_name);
  if (key == "exc_text") return take_text(value, record.exc_text);
  if (key == "stack_info") return take_text(value, record.stack_info);
  if (key == "threadName") return take_text(value, record.thread_name);
  if (key == "processName") return take_text(value, record.process_name);
  if (key == "levelno") return take_integer(value, record.levelno);
  if (key == "lineno") return take_integer(value, record.lineno);
  if (key == "thread") return take_integer(value, record.thread);
  if (key == "process") return take_integer(value, record.process);
  if (key == "created_ns") return take_integer(value, record.created_ns);
  if (key == "start_ns") return take_integer(value, record.start_ns);
  if (key == "msg") record.msg = to_value(value);
  if (key == "args") record.args = to_value(value);
  return key == "msg" || key == "args";
}

logbus::LogRecord to_record(const Json& json) {
  logbus::LogRecord record;
  for (const auto& [key, value] : json.items()) {
    if (take_member(record, key, value)) continue;
    auto& fields = logbus::is_log_record_attribute(key) ? record.overrides : record.extra;
    fields.emplace_back(key, to_value(value));
  }
  return record;
}

std::string text_or(const Json& json, const char* key, const std::string& otherwise) {
  const auto found = json.find(key);
  if (found == json.end()) return otherwise;
  return found->is_null() ? std::string() : found->get<std::string>();
}

logbus::FormatterOptions to_options(const Json& json) {
  logbus::FormatterOptions options;
  options.format = text_or(json, "fmt", "");
  options.datefmt = text_or(json, "datefmt", "");
  options.style = text_or(json, "style", "%").front();
  options.validate = json.value("validate", true);
  options.utc = json.value("utc", false);
  options.default_time_format = text_or(json, "default_time_format", options.default_time_format);
  options.default_msec_format = text_or(json, "default_msec_format", options.default_msec_format);
  if (json.contains("defaults")) {
    for (const auto& [key, value] : json.at("defaults").items())
      options.defaults.emplace_back(key, to_value(value));
  }
  return options;
}

Json format(const Json& request) {
  const logbus::Formatter formatter(to_options(request.at("options")));
  return Json{{"text", formatter.format(to_record(request.at("record")))}};
}

// Steps: {"write": message, "exc_text": ...}, {"append": text} by another writer, {"close": true}.
Json rotate(const Json& request) {
  logbus::RotatingFileHandler handler(
      {request.at("filename"), request.value("mode", "a"), "", request.value("delay", false)},
      request.at("maxBytes").get<std::uint64_t>(), request.at("backupCount").get<unsigned>());
  if (request.contains("terminator")) handler.set_terminator(request.at("terminator").get<std::string>());
  handler.defer_flush(request.value("defer", false));
  for (const Json& step : request.at("steps")) {
    if (step.contains("append")) {
      std::ofstream(request.at("filename").get<std::string>(), std::ios::app)
          << step.at("append").get<std::string>();
    } else if (step.contains("close")) {
      handler.close();
    } else {
      logbus::LogRecord record;
      record.msg = step.at("write").get<std::string>();
      record.exc_text = step.value("exc_text", "");
      handler.handle(record);
    }
  }
  handler.close();
  return Json{{"errors", handler.counters().errors.load()}};
}

std::string hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

Json encode(const Json& request) {
  logbus::handlers::TextEncoder encoder(request.at("encoding").get<std::string>(),
                                        request.at("errors").get<std::string>());
  return Json{{"hex", hex(encoder.encode(request.at("text").get<std::string>()))}};
}

Json answer_to(const Json& request) {
  if (request.at("op") == "format") return format(request);
  return request.at("op") == "encode" ? encode(request) : rotate(request);
}

}  // namespace

int main() {
  answer_requests(answer_to);
}
