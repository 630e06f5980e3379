// SPDX-License-Identifier: MIT
#include <logbus/buffering_formatter.h>

#include <utility>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

BufferingFormatter::BufferingFormatter(std::shared_ptr<const Formatter> line_formatter)
    : line_formatter_(line_formatter ? std::move(line_formatter) : std::make_shared<const Formatter>()) {}
BufferingFormatter::~BufferingFormatter() = default;

std::string BufferingFormatter::format(std::span<const LogRecord> records) const {
  if (records.empty()) return {};
  std::string text = format_header(records);
  for (const LogRecord& record : records) line_formatter_->format(record, text);
  text += format_footer(records);
  return text;
}

std::string BufferingFormatter::format_header(std::span<const LogRecord>) const {
  return {};
}
std::string BufferingFormatter::format_footer(std::span<const LogRecord>) const {
  return {};
}

}  // namespace abi1
}  // namespace logbus
