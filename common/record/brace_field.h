// SPDX-License-Identifier: MIT
// One replacement field of a format of style '{'.
#pragma once

#include <string>
#include <vector>

#include "record/format_program.h"

namespace logbus::record {

/// {field.accessors!conversion:spec}, compiled. The spec may hold fields again.
class BraceField {
 public:
  /// [key] behind a field: an index where it is a number.
  struct Accessor {
    std::string key;
    bool is_index = false;
  };

  BraceField(FieldName name, std::vector<Accessor> accessors, char conversion, FormatSteps spec)
      : name_(std::move(name)),
        accessors_(std::move(accessors)),
        conversion_(conversion),
        spec_(std::move(spec)) {}

  void append(const FormatInput& input, std::string& out) const;
  /// Whether its spec names fields as well.
  bool has_nested_fields() const noexcept {
    for (const FormatStep& step : spec_)
      if (step.kind != FormatStep::Kind::kLiteral) return true;
    return false;
  }

 private:
  FieldName name_;
  std::vector<Accessor> accessors_;
  char conversion_;  // 'r', 's', 'a' or 0
  FormatSteps spec_;
};

}  // namespace logbus::record
