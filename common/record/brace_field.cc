// SPDX-License-Identifier: MIT
// Evaluating a replacement field.
#include "record/brace_field.h"

#include <charconv>

#include <fmt/format.h>

#include "record/format_spec.h"
#include "record/python_error.h"
#include "record/utf8.h"
#include "record/value_text.h"

namespace logbus::record {
namespace {

[[noreturn]] void throw_key_error(const std::string& key) {
  std::string text = "KeyError: ";
  append_string_repr(key, text);
  throw PythonError(text);
}

Value item_of(const List& items, const BraceField::Accessor& accessor, std::string_view type_name) {
  if (!accessor.is_index) {
    throw_type_error(fmt::format("{} indices must be integers or slices, not str", type_name));
  }
  std::size_t index = items.size();
  std::from_chars(accessor.key.data(), accessor.key.data() + accessor.key.size(), index);
  if (index >= items.size()) throw PythonError(fmt::format("IndexError: {} index out of range", type_name));
  return items[index];
}

Value item_of(const Dict& dict, const BraceField::Accessor& accessor) {
  for (const auto& [key, value] : dict) {
    const auto* number = key.get_if<std::int64_t>();
    const auto* text = key.get_if<std::string>();
    if (accessor.is_index ? number != nullptr && std::to_string(*number) == accessor.key
                          : text != nullptr && *text == accessor.key) {
      return value;
    }
  }
  throw_key_error(accessor.key);
}

Value character_of(const std::string& text, const BraceField::Accessor& accessor) {
  if (!accessor.is_index) throw_type_error("string indices must be integers, not 'str'");
  std::size_t index = text.size();
  std::from_chars(accessor.key.data(), accessor.key.data() + accessor.key.size(), index);
  std::size_t at = code_point_prefix(text, index);
  if (at >= text.size()) throw PythonError("IndexError: string index out of range");
  const std::size_t begin = at;
  (void)next_code_point(text, at);
  return text.substr(begin, at - begin);
}

Value item(const Value& value, const BraceField::Accessor& accessor) {
  if (const auto* list = value.get_if<List>()) return item_of(*list, accessor, "list");
  if (const auto* tuple = value.get_if<Tuple>()) return item_of(tuple->items, accessor, "tuple");
  if (const auto* dict = value.get_if<Dict>()) return item_of(*dict, accessor);
  if (const auto* text = value.get_if<std::string>()) return character_of(*text, accessor);
  throw_type_error(fmt::format("'{}' object is not subscriptable", python_type_name(value)));
}

}  // namespace

void BraceField::append(const FormatInput& input, std::string& out) const {
  Value value = input.value(name_);
  for (const Accessor& accessor : accessors_) value = item(value, accessor);
  std::string text;
  if (conversion_ != 0) {
    if (conversion_ == 'r') append_repr(value, text);
    if (conversion_ == 's') append_str(value, text);
    if (conversion_ == 'a') append_ascii(value, text);
    value = std::move(text);
  }
  if (spec_.size() == 1 && spec_.front().kind == FormatStep::Kind::kLiteral) {
    return append_formatted(value, spec_.front().text, out);
  }
  std::string spec;
  run_steps(spec_, input, spec);
  append_formatted(value, spec, out);
}

}  // namespace logbus::record
