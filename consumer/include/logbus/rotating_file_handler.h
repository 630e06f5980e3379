// SPDX-License-Identifier: MIT
// Python's RotatingFileHandler, and what all rotating handlers share.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <logbus/compatibility.h>
#include <logbus/detail/abi.h>
#include <logbus/file_handler.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// A file that is renamed away and started anew when should_rollover says so. Differs from Python: if that
/// fails, it is told, the record goes into the base file, which grows on, and the rotation is tried again
/// every second; in Python each record is lost until it works, and so it is here if set_compatibility() says
/// strict, but for a full disk. Source: logging.handlers.BaseRotatingHandler.
class BaseRotatingHandler : public FileHandler {
 public:
  /// Gives a rotated file another name: base.1 -> base.1.gz.
  using Namer = std::function<std::string(const std::string& default_name)>;
  /// Moves the base file away instead of rename(2).
  using Rotator = std::function<void(const std::string& source, const std::string& destination)>;

  using FileHandler::FileHandler;
  void set_namer(Namer namer);
  void set_rotator(Rotator rotator);
  void set_compatibility(Compatibility compatibility);
  /// Files started anew so far; any thread.
  std::uint64_t rollovers() const noexcept { return rollovers_.load(std::memory_order_relaxed); }

 protected:
  void emit(const LogRecord& record) override;
  bool prepare_record(std::string_view text) override;
  /// Whether `text`, the next record's without terminator, belongs into a new file.
  virtual bool should_rollover(std::string_view text) = 0;
  virtual void do_rollover() = 0;

  const Compatibility& compatibility() const noexcept { return compatibility_; }
  bool has_namer() const noexcept { return namer_ != nullptr; }
  bool has_rotator() const noexcept { return rotator_ != nullptr; }
  std::string rotation_filename(const std::string& default_name) const;
  /// Moves the base file away, if it is there.
  void rotate(const std::string& source, const std::string& destination) const;
  void count_rollover() noexcept { rollovers_.fetch_add(1, std::memory_order_relaxed); }

 private:
  using Clock = std::chrono::steady_clock;
  bool puts_off_rollover();
  bool go_on_after(const std::exception& error);

  Namer namer_;
  Rotator rotator_;
  Compatibility compatibility_;
  Clock::time_point again_at_;               // after a rotation that failed
  std::atomic<std::uint64_t> rollovers_{0};  // read by statistics
};

/// Starts a new file before one would reach `max_bytes`, keeping `backup_count` old ones as base.1 (the
/// youngest), base.2 ... `max_bytes` 0: never; above 0 the mode is "a". As in Python, the record's length
/// counts in code points, the file's in bytes, and an empty file is never rolled; in Python 3.12 it is, and
/// the file counts with what others have written to it by now. Source: logging.handlers.RotatingFileHandler.
class RotatingFileHandler : public BaseRotatingHandler {
 public:
  RotatingFileHandler(FileOptions options, std::uint64_t max_bytes, unsigned backup_count);
  std::uint64_t max_bytes() const noexcept { return max_bytes_; }
  unsigned backup_count() const noexcept { return backup_count_; }
  std::string_view class_name() const noexcept override { return "RotatingFileHandler"; }

 protected:
  bool takes_lines() const noexcept override;
  bool should_rollover(std::string_view text) override;
  void do_rollover() override;

 private:
  void rotate_files();

  std::uint64_t max_bytes_;
  unsigned backup_count_;
};

}  // namespace abi1
}  // namespace logbus
