// SPDX-License-Identifier: MIT
// BaseRotatingHandler: asks before each record whether it starts a new file.
#include <logbus/rotating_file_handler.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <utility>

#include <logbus/error.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

void BaseRotatingHandler::set_namer(Namer namer) {
  const std::lock_guard guard(lock());
  namer_ = std::move(namer);
}

void BaseRotatingHandler::set_rotator(Rotator rotator) {
  const std::lock_guard guard(lock());
  rotator_ = std::move(rotator);
}

void BaseRotatingHandler::emit(const LogRecord& record) {
  place_record(begin_record(record));
}

bool BaseRotatingHandler::prepare_record(std::string_view text) {
  if (should_rollover(text)) do_rollover();
  return prepare_stream();
}

std::string BaseRotatingHandler::rotation_filename(const std::string& default_name) const {
  return namer_ ? namer_(default_name) : default_name;
}

void BaseRotatingHandler::rotate(const std::string& source, const std::string& destination) const {
  if (rotator_) return rotator_(source, destination);
  std::error_code ignored;
  if (!std::filesystem::exists(source, ignored)) return;
  if (std::rename(source.c_str(), destination.c_str()) != 0) {
    throw Error(errno, "cannot rename " + source + " to " + destination);
  }
}

}  // namespace abi1
}  // namespace logbus
