// SPDX-License-Identifier: MIT
// What is wrong with a configuration file, and where.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace logbus::sidecar {

/// A position in a file, both counted from 1; 0 means unknown.
struct Mark {
  int line = 0;
  int column = 0;
};

/// Where a setting stands: its position, and the keys that lead to it ("handlers.file.maxBytes").
struct Place {
  Mark mark;
  std::string path;
};

/// Collects errors, warnings and notes of one file. Each becomes a line
/// `FILE:LINE:COLUMN: PATH: SENTENCE` (warnings and notes with that word before the path).
class Diagnostics {
 public:
  explicit Diagnostics(std::string file) : file_(std::move(file)) {}

  void error(const Place& place, std::string_view sentence) { add(Severity::kError, place, sentence); }
  void warning(const Place& place, std::string_view sentence) { add(Severity::kWarning, place, sentence); }
  void note(const Place& place, std::string_view sentence) { add(Severity::kNote, place, sentence); }

  bool failed() const noexcept { return errors_ != 0; }
  std::size_t errors() const noexcept { return errors_; }
  /// "1 error", "2 errors".
  std::string errors_text() const;
  const std::string& file() const noexcept { return file_; }
  /// In the file's order. Without `notes`, errors and warnings only.
  std::vector<std::string> lines(bool notes) const;

 private:
  enum class Severity { kError, kWarning, kNote };
  struct Entry {
    Severity severity;
    Mark mark;
    std::string text;
  };
  void add(Severity severity, const Place& place, std::string_view sentence);

  std::string file_;
  std::vector<Entry> entries_;
  std::size_t errors_ = 0;
};

/// The candidate that `word` was probably meant to be: at most two letters off, fewer for short words; "" if
/// none.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates);

/// "; did you mean 'X'?" for the nearest candidate, or "".
std::string suggestion(std::string_view word, const std::vector<std::string_view>& candidates);

/// "a, b and c".
std::string enumerate(const std::vector<std::string_view>& words);

/// `text` in double quotes, shortened, control bytes escaped: fit for one line of a terminal. Of
/// "user:password@" the password is left out.
std::string in_quotes(std::string_view text);

/// Whether what stands under this key, or below this path of keys, is not for others to read.
bool is_secret(std::string_view key);

}  // namespace logbus::sidecar
