// SPDX-License-Identifier: MIT
#include "formatters/json_writer.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <vector>

#include <fmt/format.h>

#include "formatters/iso_time.h"
#include "record/duration_text.h"
#include "record/float_text.h"
#include "record/python_error.h"
#include "record/utf8.h"
#include "record/value_text.h"

namespace logbus::formatters {
namespace {

void append_unit(std::string& out, unsigned unit) {
  fmt::format_to(std::back_inserter(out), "\\u{:04x}", unit);
}

void append_escaped(std::string& out, char32_t code_point) {
  switch (code_point) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\b':
      out += "\\b";
      return;
    default:
      break;
  }
  if (code_point < 0x10000) return append_unit(out, code_point);
  append_unit(out, 0xD800 + ((code_point - 0x10000) >> 10));
  append_unit(out, 0xDC00 + (code_point & 0x3FF));
}

// Terminals act on DEL and C1 too, and many a reader of lines ends one at U+2028; Python lets them be.
bool is_escaped(char32_t code_point, const JsonStyle& style) {
  if (code_point < 0x20 || code_point == '"' || code_point == '\\') return true;
  if (code_point < 0x7F) return false;
  if (style.ascii) return true;
  return !style.python && (code_point < 0xA0 || code_point == 0x2028 || code_point == 0x2029);
}

}  // namespace

bool is_utf8(std::string_view text) noexcept {
  for (std::size_t at = 0; at < text.size();) {
    if (record::next_code_point(text, at) == record::kInvalidCodePoint) return false;
  }
  return true;
}

std::string as_utf8(std::string_view text) {
  std::string made;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    if (record::next_code_point(text, at) == record::kInvalidCodePoint) {
      fmt::format_to(std::back_inserter(made), "\\x{:02x}", static_cast<unsigned char>(text[begin]));
    } else {
      made += text.substr(begin, at - begin);
    }
  }
  return made;
}

class JsonWriter::Printer {
 public:
  explicit Printer(JsonWriter& writer) : writer_(writer), out_(writer.out_), python_(writer.style_.python) {}

  void operator()(const None&) { out_ += "null"; }
  void operator()(bool value) { out_ += value ? "true" : "false"; }
  void operator()(std::int64_t value) { fmt::format_to(std::back_inserter(out_), "{}", value); }
  void operator()(std::uint64_t value) { fmt::format_to(std::back_inserter(out_), "{}", value); }
  void operator()(float value) { number(value); }
  void operator()(double value) { number(value); }
  void operator()(char value) { writer_.string({&value, 1}); }
  void operator()(const std::string& value) { writer_.string(value); }
  void operator()(const Text& value) { writer_.string(value.text); }
  void operator()(const Pointer& value) { text(value); }
  void operator()(const Duration& value) { text(value); }
  void operator()(const TimePoint& value) {
    std::string time;
    append_iso_time(value, python_, time);
    writer_.string(time);
  }
  void operator()(const List& items) { list(items); }
  void operator()(const Tuple& tuple) { list(tuple.items); }
  void operator()(const Set& set) {
    if (python_) {
      text(set);
    } else {
      list(set.items);
    }
  }
  void operator()(const Dict& dict) {
    std::vector<std::string> keys = keys_of(dict);
    if (!python_) make_unique(keys);
    writer_.begin('{');
    for (std::size_t index = 0; index < dict.size(); ++index) {
      writer_.next();
      writer_.key(keys[index]);
      writer_.value(dict[index].second);
    }
    writer_.end('}');
  }

 private:
  template <class Float>
  void number(Float value) {
    if (std::isfinite(value)) {
      record::append_float_repr(value, out_);
    } else if (!python_) {
      out_ += "null";  // JSON has no word for it
    } else {
      out_ += std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    }
  }
  template <class Held>
  void text(const Held& value) {
    std::string made;
    record::append_str(value, made);
    writer_.string(made);
  }
  void list(const List& items) {
    writer_.begin('[');
    for (const Value& item : items) {
      writer_.next();
      writer_.value(item);
    }
    writer_.end(']');
  }

  std::vector<std::string> keys_of(const Dict& dict) const {
    std::vector<std::string> keys;
    keys.reserve(dict.size());
    for (const auto& [key, value] : dict) {
      keys.push_back(key_text(key));
      if (!is_utf8(keys.back())) keys.back() = as_utf8(keys.back());
    }
    return keys;
  }
  std::string key_text(const Value& key) const {
    std::string text;
    if (key.get_if<std::string>() != nullptr || key.get_if<Text>() != nullptr ||
        key.get_if<char>() != nullptr) {
      record::append_str(key, text);
    } else if (key.is_none() || key.get_if<bool>() != nullptr || key.get_if<std::int64_t>() != nullptr ||
               key.get_if<std::uint64_t>() != nullptr || key.get_if<float>() != nullptr ||
               key.get_if<double>() != nullptr) {
      const JsonStyle style{.python = true};  // null, true, NaN: the words, in quotes
      JsonWriter(style, text).value(key);
    } else if (python_) {
      record::throw_type_error(
          fmt::format("keys must be str, int, float, bool or None, not {}", record::python_type_name(key)));
    } else {
      record::append_str(key, text);
    }
    return text;
  }
  // 1 and "1" are two keys in Python.
  static void make_unique(std::vector<std::string>& keys) {
    std::vector<std::string_view> sorted(keys.begin(), keys.end());
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end()) return;
    std::set<std::string> taken;
    for (std::string& key : keys) {
      while (!taken.insert(key).second) key.push_back('_');
    }
  }

  JsonWriter& writer_;
  std::string& out_;
  bool python_;
};

void JsonWriter::value(const Value& value) {
  std::visit(Printer(*this), value.variant());
}

void JsonWriter::string(std::string_view text) {
  out_.push_back('"');
  std::size_t plain = 0;  // begin of what is copied as it is
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t code_point = record::next_code_point(text, at);
    const bool broken = code_point == record::kInvalidCodePoint;
    if (!broken && !is_escaped(code_point, style_)) continue;
    out_.append(text.substr(plain, begin - plain));
    plain = at;
    if (broken) {  // as in as_utf8()
      fmt::format_to(std::back_inserter(out_), "\\\\x{:02x}", static_cast<unsigned char>(text[begin]));
    } else {
      append_escaped(out_, code_point);
    }
  }
  out_.append(text.substr(plain));
  out_.push_back('"');
}

void JsonWriter::new_line() {
  out_.push_back('\n');
  for (std::size_t level = 0; level < depth_; ++level) out_ += *style_.indent;
}

void JsonWriter::begin(char bracket) {
  out_.push_back(bracket);
  ++depth_;
  first_ = true;
}

void JsonWriter::next() {
  if (!first_) out_ += style_.python && !style_.indent ? ", " : ",";
  if (style_.indent) new_line();
  first_ = false;
}

void JsonWriter::end(char bracket) {
  --depth_;
  if (style_.indent && !first_) new_line();
  out_.push_back(bracket);
  first_ = false;  // of the one around it
}

void JsonWriter::key(std::string_view key) {
  string(key);
  out_ += style_.python || style_.indent ? ": " : ":";
}

}  // namespace logbus::formatters
