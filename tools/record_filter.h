// SPDX-License-Identifier: MIT
// Which records a reader wants to see.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <logbus/log_record.h>

namespace logbus::tools {

/// A POSIX extended regular expression. Not std::regex: that one's stack grows with the text it searches.
class Pattern {
 public:
  /// Throws std::invalid_argument with the reason.
  explicit Pattern(const std::string& expression);
  bool found_in(std::string_view text) const;

 private:
  struct Compiled;
  std::shared_ptr<const Compiled> compiled_;  // shared, so that a filter can be copied
};

/// All conditions must hold; what is absent holds always.
struct RecordFilter {
  std::optional<int> level;  // at least
  std::string logger;        // this one and its children, as logging.Filter has it
  std::vector<std::int64_t> pids;
  std::optional<Pattern> pattern;     // in the message, exc_text or stack_info
  std::optional<std::int64_t> since;  // nanoseconds since the epoch, inclusive
  std::optional<std::int64_t> until;  // exclusive

  bool passes(const LogRecord& record, std::string_view message) const;
  bool passes_time(std::int64_t ns) const noexcept {
    return (!since || ns >= *since) && (!until || ns < *until);
  }
};

/// "WARNING", "warning", "30": nothing if it is neither.
std::optional<int> parse_level(std::string_view text);

}  // namespace logbus::tools
