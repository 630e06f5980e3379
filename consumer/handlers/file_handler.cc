// SPDX-License-Identifier: MIT
// FileHandler: a StreamHandler that opens its own stream.
#include <logbus/file_handler.h>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <typeinfo>

#include <logbus/error.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

// os.path.abspath: with the working directory, ".." folded, no slash at the end.
std::string absolute_path(const std::string& filename) {
  std::string path = std::filesystem::absolute(filename).lexically_normal().string();
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

bool is_utf8(std::string encoding) {
  std::transform(encoding.begin(), encoding.end(), encoding.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c == '_' ? '-' : c;
  });
  return encoding.empty() || encoding == "utf-8" || encoding == "utf8";
}

FileOptions checked(FileOptions options) {
  if (options.filename.empty()) throw Error("a log file's name is empty");
  options.filename = absolute_path(options.filename);
  if (options.mode != "a" && options.mode != "w") {
    throw Error("log file " + options.filename + ": mode '" + options.mode + "' is neither 'a' nor 'w'");
  }
  if (!is_utf8(options.encoding)) {
    throw Error("log file " + options.filename + ": encoding '" + options.encoding +
                "' is not supported, only utf-8");
  }
  return options;
}

}  // namespace

FileHandler::FileHandler(FileOptions options)
    : StreamHandler(NoStream{}), options_(checked(std::move(options))) {
  if (!options_.delay) open();
}

void FileHandler::open() {
  const bool appends = options_.mode == "a";
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | (appends ? O_APPEND : O_TRUNC);
  int opened = -1;
  do {
    opened = ::open(options_.filename.c_str(), flags, 0666);
  } while (opened < 0 && errno == EINTR);
  if (opened < 0) throw Error(errno, "cannot open log file " + options_.filename);
  // O_APPEND moves the position only at a write; next_position() wants it now. A pipe has none.
  if (appends) (void)::lseek(opened, 0, SEEK_END);
  attach_stream(opened, Ownership::kOwned);
}

bool FileHandler::prepare_stream() {
  if (has_stream()) return true;
  if (closed_ && options_.mode == "w") return false;  // re-opening would empty the file
  open();
  return true;
}

bool FileHandler::takes_lines() const noexcept {
  return typeid(*this) == typeid(FileHandler);
}

void FileHandler::close() {
  const std::lock_guard guard(lock());
  StreamHandler::close();
  closed_ = true;
}

}  // namespace abi1
}  // namespace logbus
