// SPDX-License-Identifier: MIT
// str() and repr() over the types of the argument table.
#include "record/value_text.h"

#include <cstdio>

#include <fmt/format.h>

#include "record/duration_text.h"
#include "record/float_text.h"
#include "record/integer_text.h"
#include "record/printable.h"
#include "record/utf8.h"

namespace logbus::record {
namespace {

// str(datetime) in local time: microseconds only where there are some.
void append_datetime(const TimePoint& time, std::string& out) {
  append_time_point(time, {}, out);
  const auto microseconds = time.nanoseconds / 1000;
  if (microseconds != 0) fmt::format_to(std::back_inserter(out), ".{:06}", microseconds);
}

class Printer {
 public:
  Printer(std::string& out, bool ascii_only) : out_(out), ascii_only_(ascii_only) {}

  void repr(const Value& value) {
    std::visit([this](const auto& held) { print(held); }, value.variant());
  }

  void print(const None&) { out_ += "None"; }
  void print(bool value) { out_ += value ? "True" : "False"; }
  void print(std::int64_t value) { append_integer(value, out_); }
  void print(std::uint64_t value) { append_integer(value, out_); }
  void print(float value) { append_float_repr(value, out_); }
  void print(double value) { append_float_repr(value, out_); }
  void print(char value) { append_string_repr({&value, 1}, out_, ascii_only_); }
  void print(const std::string& value) { append_string_repr(value, out_, ascii_only_); }
  void print(const Pointer& value) { fmt::format_to(std::back_inserter(out_), "{:#x}", value.address); }
  void print(const Text& value) { append_string_repr(value.text, out_, ascii_only_); }
  void print(const TimePoint& value) { append_datetime(value, out_); }
  void print(const Duration& value) { append_duration(value, {}, out_); }
  void print(const List& items) { sequence(items, "[", "]"); }
  void print(const Tuple& tuple) { sequence(tuple.items, "(", tuple.items.size() == 1 ? ",)" : ")"); }
  void print(const Set& set) {
    if (set.items.empty()) {
      out_ += "set()";
    } else {
      sequence(set.items, "{", "}");
    }
  }
  void print(const Dict& dict) {
    out_.push_back('{');
    for (std::size_t index = 0; index < dict.size(); ++index) {
      if (index != 0) out_ += ", ";
      repr(dict[index].first);
      out_ += ": ";
      repr(dict[index].second);
    }
    out_.push_back('}');
  }

  void sequence(const List& items, std::string_view open, std::string_view close) {
    out_ += open;
    for (std::size_t index = 0; index < items.size(); ++index) {
      if (index != 0) out_ += ", ";
      repr(items[index]);
    }
    out_ += close;
  }

 private:
  std::string& out_;
  bool ascii_only_;
};

void append_repr_escape(char32_t code_point, std::string& out) {
  char text[16];
  const char* format = code_point < 0x100 ? "\\x%02x" : code_point < 0x10000 ? "\\u%04x" : "\\U%08x";
  const int length = std::snprintf(text, sizeof text, format, static_cast<unsigned>(code_point));
  out.append(text, static_cast<std::size_t>(length));
}

}  // namespace

void append_string_repr(std::string_view text, std::string& out, bool ascii_only) {
  const bool double_quotes = text.find('\'') != text.npos && text.find('"') == text.npos;
  const char quote = double_quotes ? '"' : '\'';
  out.push_back(quote);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t code_point = next_code_point(text, at);
    if (code_point == kInvalidCodePoint) {
      append_repr_escape(static_cast<unsigned char>(text[begin]), out);
    } else if (code_point == static_cast<unsigned char>(quote) || code_point == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(code_point));
    } else if (code_point == '\n') {
      out += "\\n";
    } else if (code_point == '\r') {
      out += "\\r";
    } else if (code_point == '\t') {
      out += "\\t";
    } else if (code_point < 0x80 ? code_point < 0x20 || code_point == 0x7F
                                 : ascii_only || !is_printable(code_point)) {
      append_repr_escape(code_point, out);
    } else {
      out.append(text.substr(begin, at - begin));
    }
  }
  out.push_back(quote);
}

void append_str(const Value& value, std::string& out) {
  if (const auto* text = value.get_if<std::string>()) {
    out += *text;
  } else if (const auto* made = value.get_if<Text>()) {
    out += made->text;
  } else if (const auto* character = value.get_if<char>()) {
    out.push_back(*character);
  } else {
    append_repr(value, out);
  }
}

void append_repr(const Value& value, std::string& out) {
  Printer(out, false).repr(value);
}
void append_ascii(const Value& value, std::string& out) {
  Printer(out, true).repr(value);
}
void append_tuple_repr(const List& items, std::string& out) {
  Printer(out, false).sequence(items, "(", items.size() == 1 ? ",)" : ")");
}

std::string_view python_type_name(const Value& value) noexcept {
  static constexpr std::string_view kNames[] = {
      "NoneType",          "bool",      "int",  "int",   "float", "float", "str", "str", "int", "str",
      "datetime.datetime", "timedelta", "list", "tuple", "set",   "dict"};
  static_assert(std::size(kNames) == std::variant_size_v<Value::Variant>);
  return kNames[value.variant().index()];
}

bool is_truthy(const Value& value) noexcept {
  struct Visitor {
    bool operator()(const None&) const { return false; }
    bool operator()(bool held) const { return held; }
    bool operator()(std::int64_t held) const { return held != 0; }
    bool operator()(std::uint64_t held) const { return held != 0; }
    bool operator()(float held) const { return held != 0.0F; }
    bool operator()(double held) const { return held != 0.0; }
    bool operator()(char) const { return true; }
    bool operator()(const std::string& held) const { return !held.empty(); }
    bool operator()(const Pointer& held) const { return held.address != 0; }
    bool operator()(const Text& held) const { return !held.text.empty(); }
    bool operator()(const TimePoint&) const { return true; }
    bool operator()(const Duration&) const { return true; }
    bool operator()(const List& held) const { return !held.empty(); }
    bool operator()(const Tuple& held) const { return !held.items.empty(); }
    bool operator()(const Set& held) const { return !held.items.empty(); }
    bool operator()(const Dict& held) const { return !held.empty(); }
  };
  return std::visit(Visitor{}, value.variant());
}

}  // namespace logbus::record
