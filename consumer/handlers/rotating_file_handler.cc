// SPDX-License-Identifier: MIT
// RotatingFileHandler: rotation by size, the rules of CPython 3.14.
#include <logbus/rotating_file_handler.h>

#include <unistd.h>

#include <filesystem>
#include <typeinfo>
#include <utility>

#include <logbus/error.h>

#include "record/utf8.h"
#include "rotation_steps.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

using handlers::file_exists;

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
  const std::size_t bytes = text.size();
  std::size_t code_points = bytes;
  if (empty_rolls) {
    code_points = record::count_code_points(text);  // it may lie in what is written out
    write_out_all();                                // then the position is where the file ends by now
  }
  const std::int64_t position = empty_rolls ? ::lseek(descriptor(), 0, SEEK_END) : next_position();
  if (position < 0 || (position == 0 && !empty_rolls)) return false;  // a pipe, or an empty file
  const auto used = static_cast<std::uint64_t>(position);
  // There are at most as many code points as bytes: most records needn't be counted. The 1 is Python's "\n",
  // whatever the terminator.
  if (used + bytes + 1 < max_bytes_) return false;
  if (!empty_rolls) code_points = record::count_code_points(text);
  if (used + code_points + 1 < max_bytes_) return false;
  std::error_code ignored;
  return !file_exists(base_filename()) || std::filesystem::is_regular_file(base_filename(), ignored);
}

void RotatingFileHandler::do_rollover() {
  write_out_all();
  release_stream();
  if (backup_count_ > 0) rotate_files();
  count_rollover();
  if (!delays()) open();
}

void RotatingFileHandler::rotate_files() {
  record::RotationPlan plan;
  const std::string base = base_filename() + '.';
  for (unsigned index = backup_count_ - 1; index > 0; --index) {
    std::string source = rotation_filename(base + std::to_string(index));
    if (!file_exists(source)) continue;
    plan.renames.push_back({std::move(source), rotation_filename(base + std::to_string(index + 1))});
  }
  const std::string destination = rotation_filename(base + "1");
  if (!has_rotator()) plan.renames.push_back({base_filename(), destination, true});
  handlers::RotationSteps(plan, group()).rename_files();
  if (!has_rotator()) return;
  if (file_exists(destination)) handlers::remove_file(destination);
  rotate(base_filename(), destination);
}

}  // namespace abi1
}  // namespace logbus
