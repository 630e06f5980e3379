// SPDX-License-Identifier: MIT
// Dispatch from a Value's type to fmt's formatter of the C++ type, and fmt's rules for containers.
#include "record/fmt_value.h"

#include <fmt/compile.h>

#include "record/duration_text.h"
#include "record/float_text.h"
#include "record/fmt_field.h"
#include "record/integer_text.h"

namespace logbus::record {
namespace {

void append_floating(float value, std::string& out) {
  char text[kLongestShortest];
  const char* end = fmt::format_to(text, FMT_COMPILE("{}"), value);
  out.append(text, static_cast<std::size_t>(end - text));
}
void append_floating(double value, std::string& out) {
  char text[kLongestShortest];
  const char* end = write_shortest(value, text);
  out.append(text, static_cast<std::size_t>(end - text));
}

const void* as_pointer(const Pointer& pointer) noexcept {
  return reinterpret_cast<const void*>(static_cast<std::uintptr_t>(pointer.address));
}

// fmt 9's ranges, without a spec, quote the text in them; a range inside of another container is printed by a
// formatter that never saw a spec, and doesn't.
enum class Quotes : bool { kNone, kText };

void append_element(const Value& value, Quotes quotes, std::string& out);

void append_items(const List& items, Quotes quotes, std::string& out) {
  for (std::size_t index = 0; index < items.size(); ++index) {
    if (index != 0) out += ", ";
    append_element(items[index], quotes, out);
  }
}

void append_pairs(const Dict& dict, std::string& out) {
  for (std::size_t index = 0; index < dict.size(); ++index) {
    if (index != 0) out += ", ";
    append_element(dict[index].first, Quotes::kText, out);
    out += ": ";
    append_element(dict[index].second, Quotes::kText, out);
  }
}

void append_element(const Value& value, Quotes quotes, std::string& out) {
  if (const auto* list = value.get_if<List>()) {
    out.push_back('[');
    append_items(*list, Quotes::kNone, out);
    out.push_back(']');
  } else if (const auto* set = value.get_if<Set>()) {
    out.push_back('{');
    append_items(set->items, Quotes::kNone, out);
    out.push_back('}');
  } else if (quotes == Quotes::kText &&
             (value.get_if<std::string>() != nullptr || value.get_if<char>() != nullptr)) {
    append_fmt(value, "?", out);
  } else {
    append_fmt(value, out);
  }
}

// fmt's range formatter: an optional `n` (no brackets), then `:` and the elements' spec.
struct RangeSpec {
  bool brackets = true;
  bool has_element = false;
  std::string_view element;

  explicit RangeSpec(std::string_view spec) {
    if (spec.starts_with('n')) {
      brackets = false;
      spec.remove_prefix(1);
    }
    if (spec.empty()) return;
    if (spec.front() != ':') throw fmt::format_error("no other top-level range formatters supported");
    has_element = true;
    element = spec.substr(1);
  }
};

void append_range(const List& items, std::string_view open, std::string_view close,
                  std::string_view spec_text, std::string& out) {
  const RangeSpec spec(spec_text);
  if (spec.brackets) out += open;
  if (spec.has_element) {
    for (std::size_t index = 0; index < items.size(); ++index) {
      if (index != 0) out += ", ";
      append_fmt(items[index], spec.element, out);
    }
  } else {
    append_items(items, Quotes::kText, out);
  }
  if (spec.brackets) out += close;
}

void append_map(const Dict& dict, std::string_view spec_text, std::string& out) {
  const RangeSpec spec(spec_text);
  if (!spec.element.empty()) throw fmt::format_error("unknown format specifier");
  if (spec.brackets) out.push_back('{');
  append_pairs(dict, out);
  if (spec.brackets) out.push_back('}');
}

void append_tuple(const Tuple& tuple, std::string_view spec, std::string& out) {
  if (!spec.empty()) throw fmt::format_error("unknown format specifier");
  out.push_back('(');
  append_items(tuple.items, Quotes::kText, out);
  out.push_back(')');
}

// An empty optional: the field's spec was written for the value, so what of it doesn't fit a text is dropped.
void append_none(std::string_view spec, std::string& out) {
  const std::size_t begin = out.size();
  try {
    append_with_spec(std::string_view("None"), spec, out);
  } catch (const fmt::format_error&) {
    out.resize(begin);
    out += "None";
  }
}

struct SpecVisitor {
  std::string_view spec;
  std::string& out;

  void operator()(const None&) const { append_none(spec, out); }
  void operator()(bool value) const { append_with_spec(value, spec, out); }
  void operator()(std::int64_t value) const { append_with_spec(value, spec, out); }
  void operator()(std::uint64_t value) const { append_with_spec(value, spec, out); }
  void operator()(float value) const { append_with_spec(value, spec, out); }
  void operator()(double value) const { append_with_spec(value, spec, out); }
  void operator()(char value) const { append_with_spec(value, spec, out); }
  void operator()(const std::string& value) const { append_with_spec(std::string_view(value), spec, out); }
  void operator()(const Pointer& value) const { append_with_spec(as_pointer(value), spec, out); }
  void operator()(const Text& value) const { out += value.text; }
  void operator()(const TimePoint& value) const { append_time_point(value, spec, out); }
  void operator()(const Duration& value) const { append_duration(value, spec, out); }
  void operator()(const List& value) const { append_range(value, "[", "]", spec, out); }
  void operator()(const Tuple& value) const { append_tuple(value, spec, out); }
  void operator()(const Set& value) const { append_range(value.items, "{", "}", spec, out); }
  void operator()(const Dict& value) const { append_map(value, spec, out); }
};

}  // namespace

void append_fmt(const Value& value, std::string& out) {
  switch (value.variant().index()) {
    case 2:
      return append_integer(*value.get_if<std::int64_t>(), out);
    case 3:
      return append_integer(*value.get_if<std::uint64_t>(), out);
    case 4:
      return append_floating(*value.get_if<float>(), out);
    case 5:
      return append_floating(*value.get_if<double>(), out);
    case 6:
      return out.push_back(*value.get_if<char>());
    case 7:
      out += *value.get_if<std::string>();
      return;
    default:
      return append_fmt(value, std::string_view(), out);
  }
}

void append_fmt(const Value& value, std::string_view spec, std::string& out) {
  std::visit(SpecVisitor{spec, out}, value.variant());
}

}  // namespace logbus::record
