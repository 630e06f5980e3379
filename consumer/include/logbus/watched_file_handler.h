// SPDX-License-Identifier: MIT
// Python's WatchedFileHandler.
#pragma once

#include <sys/types.h>

#include <string_view>

#include <logbus/detail/abi.h>
#include <logbus/file_handler.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// A file that something else, such as logrotate, moves away: before each record the name is looked up, and
/// if it is another file now, or none, that one is opened. As in Python, a file that was opened by its first
/// record
/// (`delay`, or after an error or close()) is opened anew once more at the next one, which empties it in mode
/// "w". Source: logging.handlers.WatchedFileHandler. Differs from Python: an error in it is that record's
/// alone and goes to handle_error.
class WatchedFileHandler : public FileHandler {
 public:
  explicit WatchedFileHandler(FileOptions options);

  /// What happens before each record. Throws logbus::Error.
  void reopen_if_needed();
  std::string_view class_name() const noexcept override { return "WatchedFileHandler"; }

 protected:
  void emit(const LogRecord& record) override;
  bool prepare_record(std::string_view text) override;
  bool takes_lines() const noexcept override;

 private:
  void remember_file();

  bool known_ = false;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace abi1
}  // namespace logbus
