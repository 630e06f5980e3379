// SPDX-License-Identifier: MIT
#include "file_completion.h"

#include <algorithm>

namespace logbus::consumer {
namespace {

/// The next line with its end, if it has one.
std::string_view line_at(std::string_view text, std::size_t at) {
  const std::size_t end = text.find('\n', at);
  return text.substr(at, end == std::string_view::npos ? end : end + 1 - at);
}

}  // namespace

Missing missing_lines(std::string_view lines, std::string_view tail) {
  const std::size_t most = std::min(lines.size(), tail.size());
  const auto differ =
      std::mismatch(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(most), tail.begin());
  const auto same = static_cast<std::size_t>(differ.first - lines.begin());
  if (same == most) return {std::string(lines.substr(same)), tail.size() > lines.size()};
  std::size_t found = 0;                        // bytes of whole lines
  std::string_view wanted = line_at(lines, 0);  // behind them
  std::string_view last;                        // of the tail
  for (std::size_t at = 0; at < tail.size(); at += last.size()) {
    last = line_at(tail, at);
    if (found == lines.size() || last != wanted) continue;
    found += last.size();
    wanted = line_at(lines, found);
  }
  Missing missing{{}, true};
  const std::string_view left = lines.substr(found);
  if (left.empty()) return missing;
  const bool cut = !last.ends_with('\n');
  if (cut && left.starts_with(last))  // our own, torn
    missing.bytes = left.substr(last.size());
  else
    missing.bytes = (cut ? "\n" : "") + std::string(left);
  return missing;
}

}  // namespace logbus::consumer
