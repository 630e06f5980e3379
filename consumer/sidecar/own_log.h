// SPDX-License-Identifier: MIT
// logbusd's own lines: on stderr, never through the bus it serves.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include <logbus/formatter.h>
#include <logbus/level.h>

namespace logbus::sidecar {

/// Lines `logbusd[PID]: ...`, or as JSON. At most a burst of 100, then 10 a second; a reader that doesn't
/// read never blocks it. What can't be written is counted, and the count told with the next line that can.
/// Any thread.
class OwnLog {
 public:
  explicit OwnLog(Level level = Level::kInfo) : level_(level) {}
  void set_level(Level level) noexcept { level_ = level; }
  /// Each line as a JSON object, by logbus.JsonFormatter.
  void set_json(bool json);

  void info(std::string_view sentence) noexcept { write(Level::kInfo, "", sentence); }
  void warning(std::string_view sentence) noexcept { write(Level::kWarning, "warning: ", sentence); }
  void error(std::string_view sentence) noexcept { write(Level::kError, "error: ", sentence); }

 private:
  void write(Level level, std::string_view word, std::string_view sentence) noexcept;
  std::string line(Level level, std::string_view word, std::string_view sentence) const;
  bool take_token() noexcept;

  Level level_;
  std::unique_ptr<const Formatter> json_;  // null: text
  std::mutex lock_;
  double tokens_ = 100;
  std::chrono::steady_clock::time_point filled_ = std::chrono::steady_clock::now();
  std::uint64_t suppressed_ = 0;
};

/// The whole of `text` to `fd`, as far as it takes it without making us wait; false if it didn't.
bool write_if_ready(int fd, std::string_view text) noexcept;

}  // namespace logbus::sidecar
