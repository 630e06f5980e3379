// SPDX-License-Identifier: MIT
#include "sidecar/diagnostics.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

#include "record/escaped_text.h"

namespace logbus::sidecar {
namespace {

// Letters to insert, remove, replace or swap with the neighbour. Case counts: Python's names are exact.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  std::iota(above.begin(), above.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

std::string lowered(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

}  // namespace

std::string Diagnostics::errors_text() const {
  return fmt::format("{} error{}", errors_, errors_ == 1 ? "" : "s");
}

std::vector<std::string> Diagnostics::lines(bool notes) const {
  std::vector<const Entry*> sorted;
  for (const Entry& entry : entries_) {
    if (notes || entry.severity != Severity::kNote) sorted.push_back(&entry);
  }
  std::stable_sort(sorted.begin(), sorted.end(), [](const Entry* a, const Entry* b) {
    return a->mark.line != b->mark.line ? a->mark.line < b->mark.line : a->mark.column < b->mark.column;
  });
  std::vector<std::string> result;
  for (const Entry* entry : sorted) {
    const std::string position =
        entry->mark.line > 0 ? fmt::format("{}:{}:{}", file_, entry->mark.line, entry->mark.column) : file_;
    const char* word = entry->severity == Severity::kWarning ? "warning: "
                       : entry->severity == Severity::kNote  ? "note: "
                                                             : "";
    std::string line = fmt::format("{}: {}{}", position, word, entry->text);
    record::escape_controls(line, 0);  // names of files and keys may hold anything
    // A YAML anchor used twice, or a loop over handlers, finds the same fault twice: once is enough.
    if (result.empty() || result.back() != line) result.push_back(std::move(line));
  }
  return result;
}

void Diagnostics::add(Severity severity, const Place& place, std::string_view sentence) {
  if (severity == Severity::kError) ++errors_;
  entries_.push_back(
      {severity, place.mark,
       place.path.empty() ? std::string(sentence) : fmt::format("{}: {}", place.path, sentence)});
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  std::string_view best;
  std::size_t best_distance = word.size() < 4 ? 1 : 2;
  if (word.size() > 64) return best;
  for (const std::string_view candidate : candidates) {
    const std::size_t distance = lowered(word) == lowered(candidate) ? 0 : edit_distance(word, candidate);
    if (distance < best_distance || (distance == best_distance && best.empty())) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string suggestion(std::string_view word, const std::vector<std::string_view>& candidates) {
  const std::string_view best = nearest(word, candidates);
  return best.empty() ? std::string() : fmt::format("; did you mean '{}'?", best);
}

std::string enumerate(const std::vector<std::string_view>& words) {
  std::string result;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) result += i + 1 == words.size() ? " and " : ", ";
    result += words[i];
  }
  return result;
}

bool is_secret(std::string_view key) {
  const std::string word = lowered(key);
  constexpr std::string_view kWords[] = {"credential", "passw", "secret", "token"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&word](std::string_view part) { return word.find(part) != std::string::npos; });
}

std::string in_quotes(std::string_view given) {
  std::string text(given);
  // "http://user:password@host", "user:password@host".
  const std::size_t at = text.rfind('@');
  const std::size_t scheme = text.find("://");
  const std::size_t user = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t colon = text.find(':', user);
  if (at != std::string::npos && colon < at) text.replace(colon + 1, at - colon - 1, "***");
  constexpr std::size_t kLongest = 60;
  std::string result = "\"";
  for (const char c : std::string_view(text).substr(0, kLongest)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      result += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      if (c == '"' || c == '\\') result += '\\';
      result += c;
    }
  }
  return result + (text.size() > kLongest ? "...\"" : "\"");
}

}  // namespace logbus::sidecar
