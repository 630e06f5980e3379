// SPDX-License-Identifier: MIT
// Values as JSON text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <logbus/value.h>

namespace logbus::formatters {

struct JsonStyle {
  bool python = false;  // json.dumps: NaN and Infinity, a set as its str(), keys that only look alike stay
  bool ascii = false;
  std::optional<std::string> indent = {};
};

/// Whether all of `text` is UTF-8.
bool is_utf8(std::string_view text) noexcept;
/// Each byte that is not UTF-8 as `\xNN`, as the drain writes it.
std::string as_utf8(std::string_view text);

/// Appends to `out`; borrows both. Throws as json.dumps does if `python` and a key can't be one.
class JsonWriter {
 public:
  JsonWriter(const JsonStyle& style, std::string& out) : style_(style), out_(out) {}

  void value(const Value& value);
  void string(std::string_view text);

  // A list or an object: begin, next() before each item, end.
  void begin(char bracket);
  void next();
  void end(char bracket);
  /// An object's key, after next().
  void key(std::string_view key);

 private:
  class Printer;

  void new_line();

  const JsonStyle& style_;
  std::string& out_;
  std::size_t depth_ = 0;
  bool first_ = true;  // of the innermost list or object
};

}  // namespace logbus::formatters
