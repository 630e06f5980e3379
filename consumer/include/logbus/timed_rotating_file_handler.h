// SPDX-License-Identifier: MIT
// Python's TimedRotatingFileHandler.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <logbus/compatibility.h>
#include <logbus/detail/abi.h>
#include <logbus/rotating_file_handler.h>

namespace logbus {
namespace handlers {
class RolloverClock;
}
inline namespace abi1 LOGBUS_ABI {

/// Arguments of a TimedRotatingFileHandler beyond the file's, Python's names and defaults.
struct TimedRotatingOptions {
  std::string when = "h";     // S, M, H, D, MIDNIGHT, W0 (Monday) to W6; any case
  double interval = 1;        // in units of `when`: seconds, minutes, hours, days, weeks; of whole seconds
  unsigned backup_count = 0;  // 0: all are kept
  bool utc = false;           // else local time, by TZ
  std::string suffix =
      {};  // strftime's, of the date; "": by `when`. What bears another date is never deleted
  std::optional<std::chrono::seconds> at_time = {};  // since midnight; for MIDNIGHT and W only
  Compatibility compatibility = {};
  std::function<std::int64_t()> now = {};  // seconds since 1970; null: time(2)
};

/// Starts a new file when the wall clock, asked at each record, reaches rollover_at(); the old one becomes
/// base.DATE, by the start of its interval. At most `backup_count` of those stay. Only a regular file is
/// rolled. Throws logbus::Error for options it doesn't know, with Python's sentence. Source:
/// logging.handlers.TimedRotatingFileHandler, 3.14. Differs from Python unless strict: a destination that
/// exists already (as around changes of daylight-saving time) ends Python's rotation for ever; here the file
/// is left alone, the records of the next interval go on in the base file, and its end is tried under its own
/// name. What goes wrong while rolling is told, once an interval, and the record is written, where Python
/// loses each record until it goes right.
class TimedRotatingFileHandler : public BaseRotatingHandler {
 public:
  explicit TimedRotatingFileHandler(FileOptions options, TimedRotatingOptions rotation = {});
  ~TimedRotatingFileHandler() override;

  const TimedRotatingOptions& rotation() const noexcept { return rotation_; }
  /// When a file that was started at `time` is to be rolled; seconds since 1970.
  std::int64_t compute_rollover(std::int64_t time) const;
  std::int64_t rollover_at();
  /// The rolled files beyond `backup_count`, oldest first, by their names. Throws logbus::Error.
  std::vector<std::string> get_files_to_delete();
  std::string_view class_name() const noexcept override { return "TimedRotatingFileHandler"; }

 protected:
  void emit(const LogRecord& record) override;
  bool takes_lines() const noexcept override;
  bool should_rollover(std::string_view text) override;
  void do_rollover() override;

 private:
  std::int64_t now() const;
  std::int64_t start_of_base_file() const;
  std::optional<std::string> find_destination(std::int64_t now);
  bool is_rolled_file(const std::string& name) const;
  void rotate_files(const std::string& destination);
  std::vector<std::string> files_to_delete(const std::string& soon) const;

  TimedRotatingOptions rotation_;
  std::unique_ptr<const handlers::RolloverClock> clock_;
  std::int64_t rollover_at_ = 0;
  std::optional<std::int64_t> patience_ends_;  // the destination exists: until then it is tried again
};

}  // namespace abi1
}  // namespace logbus
