// SPDX-License-Identifier: MIT
// BaseRotatingHandler: asks before each record whether it starts a new file.
#include <logbus/rotating_file_handler.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <utility>

#include <logbus/error.h>

#include "record/disk_full.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

// What is in the way of a rotation is looked at again after this time, not for every record: on a full disk
// it may have been halfway through compressing a file.
constexpr std::chrono::seconds kPause{1};

}  // namespace

void BaseRotatingHandler::set_namer(Namer namer) {
  const std::lock_guard guard(lock());
  namer_ = std::move(namer);
}

void BaseRotatingHandler::set_rotator(Rotator rotator) {
  const std::lock_guard guard(lock());
  rotator_ = std::move(rotator);
}

void BaseRotatingHandler::set_compatibility(Compatibility compatibility) {
  const std::lock_guard guard(lock());
  compatibility_ = compatibility;
}

void BaseRotatingHandler::emit(const LogRecord& record) {
  std::string_view text;
  try {
    text = begin_record(record);
  } catch (...) {
    prepare_stream();  // Python opens a delayed file before it formats
    throw;
  }
  place_record(text);
}

bool BaseRotatingHandler::prepare_record(std::string_view text) {
  if (!should_rollover(text) || puts_off_rollover()) return prepare_stream();
  try {
    do_rollover();
  } catch (const std::exception& error) {
    if (!go_on_after(error)) throw;
  }
  return prepare_stream();
}

// Whether the record can go into the base file all the same.
bool BaseRotatingHandler::go_on_after(const std::exception& error) {
  const auto* known = dynamic_cast<const Error*>(&error);
  const bool disk_full = known != nullptr && record::is_disk_full(known->code());
  if (compatibility_.strict && !disk_full) return false;
  try {
    if (!prepare_stream()) return false;
  } catch (const std::exception&) {  // nowhere to go to: the record's error is the first one
    return false;
  }
  again_at_ = Clock::now() + kPause;
  handle_error(nullptr, error);
  return true;
}

bool BaseRotatingHandler::puts_off_rollover() {
  if (waits_alone()) return true;
  if (again_at_ == Clock::time_point()) return false;
  if (Clock::now() < again_at_) return true;
  again_at_ = {};
  return false;
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
