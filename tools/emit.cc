// SPDX-License-Identifier: MIT
// Lines become records.
#include "tools/emit.h"

#include <algorithm>
#include <exception>
#include <stdexcept>

#include <fmt/format.h>

#include <logbus/level.h>
#include "tools/escape.h"
#include "tools/json_text.h"
#include "wire/codec.h"

namespace logbus::tools {
namespace {

bool is_blank(const std::string& line) {
  return line.find_first_not_of(" \t\r") == std::string::npos;
}

LogRecord plain_record(std::string& line, const EmitOptions& options) {
  LogRecord record;
  record.name = options.name;
  record.msg = std::move(line);
  record.style = MessageStyle::kVerbatim;
  record.levelno = options.level;
  record.levelname = get_level_name(Level{options.level});
  return record;
}

/// Throws std::exception with what is wrong with the line.
LogRecord to_record(std::string& line, const EmitOptions& options) {
  return options.json ? make_log_record(parse_json_line(line)) : plain_record(line, options);
}

void tell(std::FILE* errors, std::uint64_t line, std::string_view what) {
  const std::string text = fmt::format("line {}: {}\n", line, escaped(what));
  std::fwrite(text.data(), 1, text.size(), errors);
}

}  // namespace

EmitResult emit(std::istream& input, const EmitOptions& options, BusFeed& feed, std::FILE* errors) {
  EmitResult result;
  std::string line;
  std::string payload;
  for (std::uint64_t number = 1; std::getline(input, line); ++number) {
    if (options.json && is_blank(line)) continue;
    int levelno = 0;
    try {
      const LogRecord record = to_record(line, options);
      levelno = record.levelno;
      payload.clear();
      wire::encode_record(record, payload);
    } catch (const std::exception& e) {
      tell(errors, number, e.what());
      ++result.bad;
      continue;
    }
    switch (feed.put(payload, levelno, options.timeout)) {
      case Fed::kCommitted:
        ++result.committed;
        break;
      case Fed::kTooLarge:
        tell(errors, number,
             fmt::format("a record of {} bytes; the bus takes {}", payload.size(), feed.max_payload()));
        ++result.bad;
        break;
      case Fed::kNoRoom:
        tell(errors, number,
             fmt::format("no room on bus {}, and no sidecar that would make some", feed.path()));
        result.complete = false;
        return result;
      case Fed::kTimeout:
        tell(errors, number, fmt::format("no room on bus {} within the timeout", feed.path()));
        result.complete = false;
        return result;
    }
  }
  if (input.bad()) {
    result.complete = false;
    std::fputs("the input can't be read any further\n", errors);
  }
  return result;
}

}  // namespace logbus::tools
