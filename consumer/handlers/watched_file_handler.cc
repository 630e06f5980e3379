// SPDX-License-Identifier: MIT
// WatchedFileHandler: one stat(2) a record. One a batch would not do: who moves the file away and then logs
// may find that record in the old file.
#include <logbus/watched_file_handler.h>

#include <sys/stat.h>

#include <cerrno>
#include <typeinfo>
#include <utility>

#include <logbus/error.h>

#include "record/disk_full.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

WatchedFileHandler::WatchedFileHandler(FileOptions options) : FileHandler(std::move(options)) {
  remember_file();
}

void WatchedFileHandler::remember_file() {
  if (!has_stream()) return;
  struct stat status {};
  if (::fstat(descriptor(), &status) != 0) throw Error(errno, "cannot look at log file " + base_filename());
  known_ = true;
  device_ = status.st_dev;
  inode_ = status.st_ino;
}

void WatchedFileHandler::reopen_if_needed() {
  const std::lock_guard guard(lock());
  if (!has_stream()) return;
  struct stat status {};
  if (::stat(base_filename().c_str(), &status) == 0) {
    if (known_ && status.st_dev == device_ && status.st_ino == inode_) return;
  } else if (errno != ENOENT) {
    throw Error(errno, "cannot look at log file " + base_filename());
  }
  write_out_all();
  release_stream();
  open();
  remember_file();
}

// The file is looked at before the record is formatted, as in Python, which shows if it can't be.
void WatchedFileHandler::emit(const LogRecord& record) {
  try {
    reopen_if_needed();
    if (!prepare_stream()) return;
  } catch (const Error& error) {
    if (!record::is_disk_full(error.code())) throw;
    handle_error(nullptr, error);  // the record waits for room
  }
  begin_record(record);
  try {
    finish_record();
  } catch (...) {
    discard_record();
    throw;
  }
}

bool WatchedFileHandler::prepare_record(std::string_view) {
  reopen_if_needed();
  return prepare_stream();
}

bool WatchedFileHandler::takes_lines() const noexcept {
  return typeid(*this) == typeid(WatchedFileHandler);
}

}  // namespace abi1
}  // namespace logbus
