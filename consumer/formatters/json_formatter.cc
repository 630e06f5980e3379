// SPDX-License-Identifier: MIT
#include <logbus/json_formatter.h>

#include <algorithm>
#include <deque>
#include <unordered_map>
#include <variant>

#include <logbus/error.h>

#include "formatters/field_names.h"
#include "formatters/iso_time.h"
#include "formatters/json_writer.h"
#include "formatters/text_lines.h"
#include "record/record_attribute.h"
#include "record/value_text.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

using Dialect = JsonFormatterOptions::Dialect;
using record::Attribute;

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string_view default_format(char style) {
  return style == '{' ? "{message}" : style == '$' ? "${message}" : "%(message)s";
}

std::vector<std::string> chosen_fields(const JsonFormatterOptions& options) {
  if (!options.fields.empty()) return options.fields;
  const FormatterOptions& format = options.format;
  if (!format.format.empty()) return formatters::field_names(format.format, format.style);
  if (options.dialect == Dialect::kLogbus) return {"time", "level", "logger", "message"};
  return formatters::field_names(default_format(format.style), format.style);
}

std::vector<std::string> all_attributes() {
  std::vector<std::string> names;
  for (std::size_t index = 0; index <= static_cast<std::size_t>(Attribute::kAsctime); ++index)
    names.emplace_back(record::attribute_name(static_cast<Attribute>(index)));
  return names;
}

// What the base needs to know: the comma's style and a list of fields have no format that it could read.
FormatterOptions base_options(const JsonFormatterOptions& options) {
  FormatterOptions base = options.format;
  if (base.style == ',' || !options.fields.empty()) {
    base.format.clear();
    base.style = '%';
  } else if (base.style != '%' && base.style != '{' && base.style != '$') {
    throw Error("Style must be one of: %,{,$,','");
  }
  return base;
}

}  // namespace

/// The keys and values of one record's object, in order; of a key that is set again the first place and the
/// last value stay, as in a dict. Borrows keys and values until it is written.
class JsonFormatter::Object {
 public:
  Object(const JsonFormatter& formatter, const LogRecord& record)
      : formatter_(formatter),
        options_(formatter.options_),
        record_(record),
        python_(options_.dialect == Dialect::kPython) {
    entries_.reserve(formatter.fields_.size() + record.extra.size() + 4);
  }

  void fill() {
    if (python_) {
      fill_as_python();
    } else {
      fill_as_logbus();
    }
    if (!options_.timestamp.empty()) {
      std::string time;
      formatters::append_utc_isoformat(created(), time);
      set(renamed(options_.timestamp), Value(std::move(time)));
    }
    if (!options_.rename_fields_keep_missing) return;
    for (const auto& [from, to] : options_.rename_fields) {
      if (find(to) == nullptr) set(to, Value(None{}));
    }
  }

  void write(std::string& out) const {
    const formatters::JsonStyle style{python_, options_.ensure_ascii, options_.indent};
    formatters::JsonWriter writer(style, out);
    writer.begin('{');
    for (const Entry& entry : entries_) {
      writer.next();
      writer.key(entry.key);
      const auto* const* borrowed = std::get_if<const Value*>(&entry.value);
      writer.value(borrowed != nullptr ? **borrowed : std::get<Value>(entry.value));
    }
    writer.end('}');
  }

 private:
  struct Entry {
    std::string_view key;
    std::variant<const Value*, Value> value;
  };

  void fill_as_python() {
    const auto* message = given("msg");
    if (message == nullptr) message = &record_.msg;
    const Dict* message_dict = message->get_if<Dict>();
    merge_message(message_dict == nullptr);
    for (const auto& [key, value] : options_.format.defaults) set(renamed(key), &value);
    for (const std::string& field : formatter_.fields_) set(renamed(field), attribute(field));
    for (const auto& [key, value] : options_.static_fields) set(renamed(key), &value);
    if (message_dict != nullptr) {
      for (const auto& [key, value] : *message_dict) set(renamed(key_of(key)), &value);
    }
    add_trace("exc_info", record_.exc_text, options_.exc_info_as_array);
    add_trace("stack_info", record_.stack_info, options_.stack_info_as_array);
    add_attributes();
    for (const auto& [key, value] : record_.extra) {
      if (!key.starts_with('_') && !contains(formatter_.skipped_, key) && !contains(formatter_.fields_, key))
        set(renamed(key), &value);
    }
    add_attribute("message");
  }

  // The record's own fields stand; what the call or the configuration brings under the same key moves aside.
  void fill_as_logbus() {
    merge_message(true);
    for (const std::string& field : formatter_.fields_) set(renamed(field), attribute(field));
    for (const auto& [key, value] : options_.static_fields) set_aside(renamed(key), &value);
    if (options_.extra_fields) {
      for (const auto& [key, value] : record_.extra) {
        if (!contains(formatter_.fields_, key) || is_own_field(key)) set_aside(renamed(key), &value);
      }
      for (const auto& [key, value] : options_.format.defaults) {
        if (find(renamed(key)) == nullptr) set(renamed(key), &value);
      }
    }
    if (!record_.exc_text.empty())
      set_aside(renamed("exc_info"), trace(record_.exc_text, options_.exc_info_as_array));
    if (!record_.stack_info.empty())
      set_aside(renamed("stack_info"), trace(record_.stack_info, options_.stack_info_as_array));
  }

  void merge_message(bool has_text) {
    if (has_text) record_.append_message(message_);  // in any case: arguments that don't fit are an error
  }

  // Attributes that are not reserved come by themselves.
  void add_attributes() {
    if (!options_.reserved_attrs) return;
    for (std::size_t index = 0; index < record::kRecordAttributes; ++index)
      add_attribute(record::attribute_name(static_cast<Attribute>(index)));
  }

  void add_attribute(std::string_view name) {
    if (!contains(formatter_.skipped_, name) && !contains(formatter_.fields_, name))
      set(renamed(name), attribute(name));
  }

  void add_trace(std::string_view key, const std::string& text, bool as_array) {
    if (text.empty()) return;
    // A dict as the message may bring its own.
    if (const auto* message_dict = record_.msg.get_if<Dict>()) {
      for (const auto& [name, value] : *message_dict) {
        if (key_of(name) == key && record::is_truthy(value)) return;
      }
    }
    set(renamed(key), trace(text, as_array));
  }

  static Value trace(const std::string& text, bool as_array) {
    return as_array ? formatters::lines_of(text) : Value(text);
  }

  static bool is_own_field(std::string_view name) {
    return name == "time" || name == "level" || name == "logger";
  }

  std::variant<const Value*, Value> attribute(std::string_view name) const {
    if (!python_ && name == "time") {
      std::string time;
      formatters::append_rfc3339(record_.created_ns, formatter_.seconds_, options_.fraction_digits, time);
      return Value(std::move(time));
    }
    if (!python_ && name == "level") return attribute("levelname");
    if (!python_ && name == "logger") return attribute("name");
    if (name == "message") return Value(message_);
    if (name == "asctime") {
      std::string time;
      formatter_.format_time(record_, time);
      return Value(std::move(time));
    }
    if (const Value* value = given(name)) return value;
    if (const auto known = record::attribute_from_name(name)) return record::attribute_value(record_, *known);
    if (const Value* value = record::find_field(record_.extra, name)) return value;
    if (!python_) {
      if (const Value* value = record::find_field(options_.format.defaults, name)) return value;
    }
    return Value(None{});
  }

  const Value* given(std::string_view name) const { return record::find_field(record_.overrides, name); }

  double created() const {
    const Value* value = given("created");
    if (value == nullptr) return record_.created();
    if (const auto* real = value->get_if<double>()) return *real;
    if (const auto* whole = value->get_if<std::int64_t>()) return static_cast<double>(*whole);
    return record_.created();
  }

  std::string_view renamed(std::string_view key) const {
    for (const auto& [from, to] : options_.rename_fields) {
      if (from == key) return to;
    }
    return key;
  }

  std::string_view key_of(const Value& key) {
    if (const auto* text = key.get_if<std::string>()) return *text;
    std::string& text = texts_.emplace_back();
    Dict one{{key, None{}}};
    const formatters::JsonStyle style{.python = true};
    formatters::JsonWriter(style, text).value(std::move(one));  // {"KEY": null}
    return std::string_view(text).substr(2, text.size() - std::string_view(R"({"": null})").size());
  }

  Entry* find(std::string_view key) {
    constexpr std::size_t kFew = 16;
    if (entries_.size() <= kFew) {
      for (Entry& entry : entries_) {
        if (entry.key == key) return &entry;
      }
      return nullptr;
    }
    for (; indexed_ < entries_.size(); ++indexed_) index_.emplace(entries_[indexed_].key, indexed_);
    const auto found = index_.find(key);
    return found == index_.end() ? nullptr : &entries_[found->second];
  }

  void set(std::string_view key, std::variant<const Value*, Value> value) {
    if (Entry* entry = find(key)) {
      entry->value = std::move(value);
    } else {
      entries_.push_back({key, std::move(value)});
    }
  }

  void set_aside(std::string_view key, std::variant<const Value*, Value> value) {
    if (!formatters::is_utf8(key)) key = texts_.emplace_back(formatters::as_utf8(key));
    if (find(key) != nullptr) {
      std::string& text = texts_.emplace_back(key);
      while (find(text) != nullptr) text.push_back('_');
      key = text;
    }
    entries_.push_back({key, std::move(value)});
  }

  const JsonFormatter& formatter_;
  const JsonFormatterOptions& options_;
  const LogRecord& record_;
  const bool python_;
  std::string message_;
  std::vector<Entry> entries_;
  std::size_t indexed_ = 0;  // entries that index_ knows
  std::unordered_map<std::string_view, std::size_t> index_;
  std::deque<std::string> texts_;  // keys that had to be made
};

JsonFormatter::JsonFormatter(JsonFormatterOptions options)
    : Formatter(base_options(options)),
      options_(std::move(options)),
      seconds_(formatters::rfc3339_seconds(options_.format.utc)),
      fields_(chosen_fields(options_)),
      skipped_(options_.reserved_attrs.value_or(all_attributes())) {}

JsonFormatter::~JsonFormatter() = default;

void JsonFormatter::format(const LogRecord& record, std::string& out) const {
  Object object(*this, record);
  object.fill();
  out += options_.prefix;
  object.write(out);
}

}  // namespace abi1
}  // namespace logbus
