// SPDX-License-Identifier: MIT
// A Formatter's format, compiled: literals and fields in order.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <logbus/formatter.h>
#include <logbus/log_record.h>

#include "record/percent_conversion.h"
#include "record/record_attribute.h"

namespace logbus::record {

class BraceField;

/// A byte of what Python's \w matches: those of multi-byte letters count, since \w is Unicode's.
inline bool is_word_byte(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (static_cast<unsigned char>(c) & 0x80) != 0;
}

/// What a field names: one of LogRecord's attributes or, by its key, an extra field.
struct FieldName {
  std::string key;
  std::optional<Attribute> attribute;

  FieldName() = default;
  explicit FieldName(std::string_view name) : key(name), attribute(attribute_from_name(name)) {}
  bool operator==(const FieldName&) const = default;
};

/// The values that a format can name, of one record. Order of Python's `defaults | record.__dict__`.
class FormatInput {
 public:
  FormatInput(const Formatter& formatter, const Fields& defaults, const LogRecord& record)
      : formatter_(formatter), defaults_(defaults), record_(record) {}

  const LogRecord& record() const noexcept { return record_; }
  /// Appends str() of the field. Throws PythonError if there is none of that name.
  void append(const FieldName& field, std::string& out) const;
  Value value(const FieldName& field) const;
  /// The whole of `__dict__`, for a format that prints it.
  Value everything() const;

 private:
  const Value* given(const FieldName& field) const;

  const Formatter& formatter_;
  const Fields& defaults_;
  const LogRecord& record_;
};

/// One step: appends something to the line.
struct FormatStep {
  enum class Kind : std::uint8_t {
    kLiteral,     // text
    kText,        // str() of the field
    kInteger,     // the digits of an integer attribute: %d and nothing else about it
    kPercent,     // the field through `conversion`
    kBrace,       // the field through `brace`
    kEverything,  // a %s without a key: the whole dict through `conversion`
    kError,       // what Python raises when it comes here; text
  };
  Kind kind = Kind::kLiteral;
  std::string text;
  FieldName field;
  PercentConversion conversion;
  std::shared_ptr<const BraceField> brace;  // shared: steps are copied
};

using FormatSteps = std::vector<FormatStep>;

/// Each compiles a format of one style; with `validate`, throws logbus::Error in Python's words.
FormatSteps compile_percent_style(std::string_view format, bool validate);
FormatSteps compile_brace_style(std::string_view format, bool validate);
FormatSteps compile_template_style(std::string_view format, bool validate);

/// Appends the line. `escape`: what isn't literal with its control characters escaped.
void run_steps(const FormatSteps& steps, const FormatInput& input, std::string& out, bool escape = false);

/// Whether a step names `attribute`.
bool names_attribute(const FormatSteps& steps, Attribute attribute);

void append_literal(FormatSteps& steps, std::string_view text);

}  // namespace logbus::record
