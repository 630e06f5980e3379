// SPDX-License-Identifier: MIT
// Python's FileHandler.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <logbus/detail/abi.h>
#include <logbus/stream_handler.h>

namespace logbus {
namespace handlers {
class TextEncoder;
}
inline namespace abi1 LOGBUS_ABI {

/// Arguments of the file handlers, Python's names and defaults.
struct FileOptions {
  std::string filename;    // made absolute at construction
  std::string mode = "a";  // "a" appends, "w" starts anew, "x" refuses a file that is there
  std::string encoding;    // as Python names it; "": utf-8
  bool delay = false;      // open at the first record
  std::string errors{};    // what to do about text that can't be encoded; "": strict
};

/// Whether it is a mode of Python's open() for writing text: "a", "w" or "x", with a "t" or a "+" that change
/// nothing here.
bool is_file_mode(std::string_view mode) noexcept;

/// Writes to a file, created with 0666 & ~umask. Throws logbus::Error if the file can't be opened, or for a
/// mode, encoding or errors that it doesn't know. After close(), a record re-opens a file of mode "a"; of
/// mode "w" it is dropped. A record that can't be encoded is an error, and nothing of it is written. Source:
/// logging.FileHandler. Differs from Python: in UTF-8, text that isn't is written as it is; a fifo without a
/// reader is an error of each record and not waited for; there is no `namereplace`.
class FileHandler : public StreamHandler {
 public:
  explicit FileHandler(FileOptions options);
  explicit FileHandler(std::string_view filename)
      : FileHandler(FileOptions{std::string(filename), "a", {}, false, {}}) {}
  ~FileHandler() override;

  const std::string& base_filename() const noexcept { return options_.filename; }
  /// Opens the file of that name again, if it was open: for those who rename log files away. Nothing is
  /// emptied, whatever the mode. Throws logbus::Error; the next record then tries again.
  void reopen();
  void close() override;
  std::string_view class_name() const noexcept override { return "FileHandler"; }

 protected:
  bool prepare_stream() override;
  bool takes_lines() const noexcept override;
  std::string_view encoded(std::string_view text) override;
  std::string stream_name() const override { return options_.filename; }
  /// Opens the file. Throws logbus::Error.
  void open();
  bool delays() const noexcept { return options_.delay; }

 private:
  void begin_encoding(bool continues);

  FileOptions options_;
  std::unique_ptr<handlers::TextEncoder> encoder_;  // null: UTF-8
  bool closed_ = false;
};

}  // namespace abi1
}  // namespace logbus
