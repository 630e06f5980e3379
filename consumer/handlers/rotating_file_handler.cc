// SPDX-License-Identifier: MIT
// RotatingFileHandler: rotation by size, the rules of CPython 3.14.
#include <logbus/rotating_file_handler.h>

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <typeinfo>

#include <logbus/error.h>

#include "record/utf8.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

bool exists(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::exists(path, ignored);
}

void remove_if_there(const std::string& path) {
  if (exists(path) && ::unlink(path.c_str()) != 0) throw Error(errno, "cannot remove " + path);
}

FileOptions with_mode(FileOptions options, std::uint64_t max_bytes) {
  // With "w", each restart would throw away what rotation is there to keep.
  if (max_bytes > 0) options.mode = "a";
  return options;
}

}  // namespace

RotatingFileHandler::RotatingFileHandler(FileOptions options, std::uint64_t max_bytes, unsigned backup_count)
    : BaseRotatingHandler(with_mode(std::move(options), max_bytes)),
      max_bytes_(max_bytes),
      backup_count_(backup_count) {}

bool RotatingFileHandler::takes_lines() const noexcept {
  return typeid(*this) == typeid(RotatingFileHandler);
}

bool RotatingFileHandler::should_rollover(std::string_view text) {
  if (!has_stream()) open();
  if (max_bytes_ == 0) return false;
  const bool empty_rolls = compatibility().python_minor <= 12;
  if (empty_rolls) write_out();  // then the position is where the file ends by now
  const std::int64_t position = empty_rolls ? ::lseek(descriptor(), 0, SEEK_END) : next_position();
  if (position < 0 || (position == 0 && !empty_rolls)) return false;  // a pipe, or an empty file
  const auto used = static_cast<std::uint64_t>(position);
  // There are at most as many code points as bytes: most records needn't be counted. The 1 is Python's "\n",
  // whatever the terminator.
  if (used + text.size() + 1 < max_bytes_) return false;
  if (used + record::count_code_points(text) + 1 < max_bytes_) return false;
  std::error_code ignored;
  return !exists(base_filename()) || std::filesystem::is_regular_file(base_filename(), ignored);
}

void RotatingFileHandler::do_rollover() {
  write_out();
  release_stream();
  if (backup_count_ > 0) {
    const std::string base = base_filename() + '.';
    for (unsigned index = backup_count_ - 1; index > 0; --index) {
      const std::string source = rotation_filename(base + std::to_string(index));
      const std::string destination = rotation_filename(base + std::to_string(index + 1));
      if (!exists(source)) continue;
      remove_if_there(destination);
      if (std::rename(source.c_str(), destination.c_str()) != 0) {
        throw Error(errno, "cannot rename " + source + " to " + destination);
      }
    }
    const std::string destination = rotation_filename(base + "1");
    remove_if_there(destination);
    rotate(base_filename(), destination);
  }
  count_rollover();
  if (!delays()) open();
}

}  // namespace abi1
}  // namespace logbus
