// SPDX-License-Identifier: MIT
// TimedRotatingFileHandler: rotation by the wall clock, the rules of CPython 3.14.
#include <logbus/timed_rotating_file_handler.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <exception>
#include <filesystem>
#include <mutex>
#include <typeinfo>
#include <utility>

#include <logbus/error.h>

#include "record/disk_full.h"

#include "rollover_clock.h"
#include "rotation_steps.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

namespace fs = std::filesystem;

FileOptions appending(FileOptions options) {
  options.mode = "a";
  return options;
}

// As Python's float of it, which rounds a time within some 100 ns of the next second up.
std::int64_t whole_seconds(std::int64_t seconds, std::int64_t nanoseconds) {
  return static_cast<std::int64_t>(static_cast<double>(seconds) + 1e-9 * static_cast<double>(nanoseconds));
}

// When the file was made or, where the file system doesn't know, last changed in any way.
std::optional<std::int64_t> creation_time(const std::string& path) {
  struct statx status {};
  if (::statx(AT_FDCWD, path.c_str(), 0, STATX_BTIME | STATX_CTIME, &status) != 0) return std::nullopt;
  const statx_timestamp& time = (status.stx_mask & STATX_BTIME) != 0 ? status.stx_btime : status.stx_ctime;
  return whole_seconds(time.tv_sec, time.tv_nsec);
}

bool is_disk_full(const std::exception& error) {
  const auto* const ours = dynamic_cast<const Error*>(&error);
  return ours != nullptr && record::is_disk_full(ours->code());
}

}  // namespace

TimedRotatingFileHandler::TimedRotatingFileHandler(FileOptions options, TimedRotatingOptions rotation)
    : BaseRotatingHandler(appending(std::move(options))),
      rotation_(std::move(rotation)),
      clock_(std::make_unique<const handlers::RolloverClock>(rotation_)),
      rollover_at_(clock_->rollover_after(start_of_base_file())) {
  set_compatibility(rotation_.compatibility);
}

TimedRotatingFileHandler::~TimedRotatingFileHandler() = default;

bool TimedRotatingFileHandler::takes_lines() const noexcept {
  return typeid(*this) == typeid(TimedRotatingFileHandler);
}

std::int64_t TimedRotatingFileHandler::now() const {
  return rotation_.now ? rotation_.now() : static_cast<std::int64_t>(::time(nullptr));
}

std::int64_t TimedRotatingFileHandler::start_of_base_file() const {
  struct stat status {};
  if (::stat(base_filename().c_str(), &status) != 0) return now();
  const std::int64_t modified = whole_seconds(status.st_mtim.tv_sec, status.st_mtim.tv_nsec);
  if (rotation_.compatibility.python_minor < 15) return modified;
  return std::min(modified, creation_time(base_filename()).value_or(modified));
}

std::int64_t TimedRotatingFileHandler::compute_rollover(std::int64_t time) const {
  return clock_->rollover_after(time);
}

std::int64_t TimedRotatingFileHandler::rollover_at() {
  const std::lock_guard guard(lock());
  return rollover_at_;
}

// A record that can't be formatted starts a new file too, as in Python.
void TimedRotatingFileHandler::emit(const LogRecord& record) {
  std::string_view text;
  try {
    text = begin_record(record);
  } catch (...) {
    (void)prepare_record({});
    throw;
  }
  place_record(text);
}

bool TimedRotatingFileHandler::should_rollover(std::string_view) {
  const std::int64_t time = now();
  if (time < rollover_at_) return false;
  std::error_code ignored;
  if (!fs::exists(base_filename(), ignored) || fs::is_regular_file(base_filename(), ignored)) return true;
  rollover_at_ = clock_->rollover_after(time);  // a device or a pipe needn't be looked at each time
  return false;
}

void TimedRotatingFileHandler::do_rollover() {
  const std::int64_t time = now();
  try {
    const std::optional<std::string> destination = find_destination(time);
    if (!destination) return;
    write_out_all();
    release_stream();
    rotate_files(*destination);
  } catch (const std::exception& error) {
    if (compatibility().strict || is_disk_full(error)) throw;  // a full disk has its own way to go on
    handle_error(nullptr, error);  // the record goes into whatever file is there now
  }
  if (!has_stream() && !delays()) open();
  patience_ends_.reset();
  rollover_at_ = clock_->rollover_after_rollover(time);
}

// What the base file is to be called; nothing if it has to stay for now.
std::optional<std::string> TimedRotatingFileHandler::find_destination(std::int64_t now) {
  std::string destination = rotation_filename(base_filename() + '.' + clock_->date_of(rollover_at_, now));
  std::error_code ignored;
  if (!fs::exists(destination, ignored)) return destination;
  const Compatibility& follows = compatibility();
  if (follows.strict) {
    if (follows.python_minor > 12) return std::nullopt;
    handlers::remove_file(destination);
    return destination;
  }
  if (!patience_ends_) {
    patience_ends_ = clock_->rollover_after_rollover(now);
    return std::nullopt;
  }
  if (now < *patience_ends_) return std::nullopt;
  // What the base file holds is the next interval's too, by now.
  rollover_at_ = *std::exchange(patience_ends_, std::nullopt);
  return find_destination(now);
}

void TimedRotatingFileHandler::rotate_files(const std::string& destination) {
  record::RotationPlan plan;
  std::exception_ptr cannot_list;
  const bool renames = !has_rotator() && handlers::file_exists(base_filename());
  if (has_rotator()) {
    rotate(base_filename(), destination);
    count_rollover();
  } else {
    plan.renames.push_back({base_filename(), destination});
  }
  if (rotation_.backup_count > 0) {
    try {
      plan.deletions = files_to_delete(renames ? destination : std::string());
    } catch (const Error&) {  // no reason not to rename
      cannot_list = std::current_exception();
    }
  }
  handlers::RotationSteps steps(plan, group());
  steps.rename_files();
  if (!has_rotator()) count_rollover();
  if (cannot_list) std::rethrow_exception(cannot_list);
  steps.delete_files([this](const Error& error) {
    if (compatibility().strict) throw error;
    handle_error(nullptr, error);
  });
}

std::vector<std::string> TimedRotatingFileHandler::get_files_to_delete() {
  const std::lock_guard guard(lock());
  return files_to_delete({});
}

// With the one that will be there soon, if any.
std::vector<std::string> TimedRotatingFileHandler::files_to_delete(const std::string& soon) const {
  const fs::path base(base_filename());
  std::vector<std::string> found;
  if (!soon.empty() && is_rolled_file(soon.substr(soon.rfind('/') + 1))) found.push_back(soon);
  std::error_code error;
  for (fs::directory_iterator entry(base.parent_path(), error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string path = entry->path().string();
    if (path != soon && is_rolled_file(entry->path().filename().string())) found.push_back(path);
  }
  if (error && error != std::errc::no_such_file_or_directory) {
    throw Error(error.value(), "cannot list " + base.parent_path().string());
  }
  if (found.size() <= rotation_.backup_count) return {};
  std::sort(found.begin(), found.end());
  found.resize(found.size() - rotation_.backup_count);
  return found;
}

// Whether the base file was, or could have been, renamed to `name`. Without a namer nothing but a date
// follows the base name; with one, it has to make `name` from a date that is found in it.
bool TimedRotatingFileHandler::is_rolled_file(const std::string& name) const {
  const std::string& base = base_filename();
  if (!has_namer()) {
    const std::string prefix = base.substr(base.rfind('/') + 1) + '.';
    return name.starts_with(prefix) && clock_->is_date(std::string_view(name).substr(prefix.size()));
  }
  for (std::size_t at = clock_->find_date(name, 0); at != std::string::npos;
       at = clock_->find_date(name, at + 1)) {
    const std::string made = rotation_filename(base + '.' + name.substr(at, clock_->date_size()));
    if (made.substr(made.rfind('/') + 1) == name) return true;
  }
  return false;
}

}  // namespace abi1
}  // namespace logbus
