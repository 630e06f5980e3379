// SPDX-License-Identifier: MIT
// A Formatter as the lines of records that are never made need it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <logbus/formatter.h>
#include <logbus/log_record.h>

#include "record/format_program.h"
#include "record/line_program.h"
#include "record/padded_text.h"

namespace logbus::record {

/// One thread.
class LineFormat {
 public:
  /// `first_tenant_text`: the number of its first step that depends on the tenant alone.
  LineFormat(std::shared_ptr<const Formatter> formatter, std::uint32_t first_tenant_text);

  /// The program for records like `site`: name, level, source and message of the call site, no arguments.
  /// Nothing if their lines depend on more than that: their fields, the message's length, a mistake.
  std::optional<LineProgram> compile(const LogRecord& site);
  /// Appends its texts for a tenant: threads' and processes' names and numbers. Throws what format() would.
  void append_tenant_texts(const LogRecord& tenant, std::vector<PaddedText>& texts) const;
  std::uint32_t tenant_text_count() const noexcept {
    return static_cast<std::uint32_t>(tenant_steps_.size());
  }

 private:
  friend class LineProgram;

  const PaddedText& time(const LogRecord& record);
  FormatInput input(const LogRecord& record) const;

  std::shared_ptr<const Formatter> formatter_;
  std::uint32_t first_tenant_text_;
  bool plain_;  // lines without records are possible
  std::vector<FormatSteps> tenant_steps_;
  // asctime of [time_begin_, time_end_)
  std::int64_t time_begin_ = 0;
  std::int64_t time_end_ = 0;
  PaddedText time_;
};

}  // namespace logbus::record
