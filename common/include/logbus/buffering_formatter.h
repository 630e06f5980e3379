// SPDX-License-Identifier: MIT
// Python's BufferingFormatter: several records become one text.
#pragma once

#include <memory>
#include <span>
#include <string>

#include <logbus/detail/abi.h>
#include <logbus/formatter.h>
#include <logbus/log_record.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// A header, the records' texts with nothing between them, and a footer; no text at all for no records.
/// Any number of threads. Source: logging.BufferingFormatter.
class BufferingFormatter {
 public:
  /// `line_formatter` makes each record's text; null: a Formatter without settings.
  explicit BufferingFormatter(std::shared_ptr<const Formatter> line_formatter = nullptr);
  virtual ~BufferingFormatter();

  /// Throws what the line's formatter throws.
  std::string format(std::span<const LogRecord> records) const;

 protected:
  /// "" unless overridden.
  virtual std::string format_header(std::span<const LogRecord> records) const;
  virtual std::string format_footer(std::span<const LogRecord> records) const;

 private:
  std::shared_ptr<const Formatter> line_formatter_;  // shared: other handlers use it too
};

}  // namespace abi1
}  // namespace logbus
