// SPDX-License-Identifier: MIT
// Python's FileHandler.
#pragma once

#include <string>
#include <string_view>

#include <logbus/detail/abi.h>
#include <logbus/stream_handler.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Arguments of the file handlers, Python's names and defaults.
struct FileOptions {
  std::string filename;    // made absolute at construction
  std::string mode = "a";  // "a" appends, "w" starts anew
  std::string encoding;    // "" or utf-8
  bool delay = false;      // open at the first record
};

/// Writes to a file, created with 0666 & ~umask. Throws logbus::Error if the file can't be opened, or for a
/// mode or an encoding that it doesn't know. After close(), a record re-opens a file of mode "a"; of mode "w"
/// it is dropped. Source: logging.FileHandler. Differs from Python: the encoding is always UTF-8.
class FileHandler : public StreamHandler {
 public:
  explicit FileHandler(FileOptions options);
  explicit FileHandler(std::string_view filename)
      : FileHandler(FileOptions{std::string(filename), "a", {}, false}) {}

  const std::string& base_filename() const noexcept { return options_.filename; }
  void close() override;
  std::string_view class_name() const noexcept override { return "FileHandler"; }

 protected:
  bool prepare_stream() override;
  bool takes_lines() const noexcept override;
  std::string stream_name() const override { return options_.filename; }
  /// Opens the file. Throws logbus::Error.
  void open();
  bool delays() const noexcept { return options_.delay; }

 private:
  FileOptions options_;
  bool closed_ = false;
};

}  // namespace abi1
}  // namespace logbus
