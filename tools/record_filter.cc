// SPDX-License-Identifier: MIT
// Which records a reader wants to see.
#include "tools/record_filter.h"

#include <regex.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

#include <logbus/level.h>

namespace logbus::tools {

struct Pattern::Compiled {
  regex_t regex = {};
  ~Compiled() { ::regfree(&regex); }
};

Pattern::Pattern(const std::string& expression) {
  auto compiled = std::make_shared<Compiled>();
  const int error = ::regcomp(&compiled->regex, expression.c_str(), REG_EXTENDED | REG_NOSUB);
  if (error != 0) {
    char reason[128];
    ::regerror(error, &compiled->regex, reason, sizeof reason);
    throw std::invalid_argument(reason);
  }
  compiled_ = std::move(compiled);
}

bool Pattern::found_in(std::string_view text) const {
  // By bounds, since a message may hold a NUL.
  regmatch_t bounds = {};
  bounds.rm_eo = static_cast<regoff_t>(text.size());
  return ::regexec(&compiled_->regex, text.empty() ? "" : text.data(), 1, &bounds, REG_STARTEND) == 0;
}

bool RecordFilter::passes(const LogRecord& record, std::string_view message) const {
  if (level && record.levelno < *level) return false;
  if (!logger.empty() && !(record.name.starts_with(logger) &&
                           (record.name.size() == logger.size() || record.name[logger.size()] == '.')))
    return false;
  if (!pids.empty() && std::find(pids.begin(), pids.end(), record.process) == pids.end()) return false;
  if (!passes_time(record.created_ns)) return false;
  return !pattern || pattern->found_in(message) || pattern->found_in(record.exc_text) ||
         pattern->found_in(record.stack_info);
}

std::optional<int> parse_level(std::string_view text) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  std::string name(text);
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c; });
  const auto level = level_from_name(name);
  if (!level) return std::nullopt;
  return static_cast<int>(*level);
}

}  // namespace logbus::tools
