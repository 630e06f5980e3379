// SPDX-License-Identifier: MIT
// FileHandler: a StreamHandler that opens its own stream.
#include <logbus/file_handler.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <typeinfo>
#include <utility>

#include <logbus/error.h>

#include "text_encoder.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

// os.path.abspath: with the working directory, ".." folded, no slash at the end.
std::string absolute_path(const std::string& filename) {
  std::string path = std::filesystem::absolute(filename).lexically_normal().string();
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

bool is_fifo(const char* path) {
  struct stat status {};
  return ::stat(path, &status) == 0 && S_ISFIFO(status.st_mode);
}

bool is_fifo(int descriptor) {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode);
}

FileOptions checked(FileOptions options) {
  if (options.filename.empty()) throw Error("a log file's name is empty");
  options.filename = absolute_path(options.filename);
  if (!is_file_mode(options.mode)) {
    throw Error("log file " + options.filename + ": mode '" + options.mode + "' is none of 'a', 'w' and 'x'");
  }
  return options;
}

// Null where text is written as it is.
std::unique_ptr<handlers::TextEncoder> make_encoder(const FileOptions& options) {
  const std::string_view encoding = options.encoding.empty() ? "utf-8" : std::string_view(options.encoding);
  try {
    auto encoder = std::make_unique<handlers::TextEncoder>(encoding, options.errors);
    return encoder->changes_nothing() ? nullptr : std::move(encoder);
  } catch (const Error& error) {
    throw Error("log file " + options.filename + ": " + error.what());
  }
}

}  // namespace

bool is_file_mode(std::string_view mode) noexcept {
  int kinds = 0, texts = 0, updates = 0;
  for (const char c : mode) {
    kinds += c == 'a' || c == 'w' || c == 'x' ? 1 : 0;
    texts += c == 't' ? 1 : 0;
    updates += c == '+' ? 1 : 0;
  }
  const auto known = static_cast<std::size_t>(kinds + texts + updates);
  return kinds == 1 && texts <= 1 && updates <= 1 && known == mode.size();
}

FileHandler::FileHandler(FileOptions options)
    : StreamHandler(NoStream{}), options_(checked(std::move(options))), encoder_(make_encoder(options_)) {
  if (encoder_ != nullptr) encode_records();
  if (options_.delay) return;
  try {
    open();
  } catch (const Error& error) {
    if (error.code() != ENXIO || !is_fifo(options_.filename.c_str())) throw;  // its reader may come later
  }
}

FileHandler::~FileHandler() = default;

void FileHandler::open() {
  const auto mode_has = [this](char c) { return options_.mode.find(c) != std::string::npos; };
  // In every mode: what another program writes into the file, or cuts off it, is never written over.
  constexpr int kStatus = O_APPEND;
  // O_NONBLOCK: a fifo that nobody reads must not stop everything else.
  const int flags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK | kStatus | (mode_has('w') ? O_TRUNC : 0) |
                    (mode_has('x') ? O_EXCL : 0);
  int opened = -1;
  do {
    opened = ::open(options_.filename.c_str(), flags, 0666);
  } while (opened < 0 && errno == EINTR);
  if (opened < 0) throw Error(errno, "cannot open log file " + options_.filename);
  attach_stream(opened, Ownership::kOwned);
  if (!is_fifo(opened)) (void)::fcntl(opened, F_SETFL, kStatus);
  // O_APPEND moves the position only at a write; next_position() wants it now. A pipe has none.
  const off_t position = ::lseek(opened, 0, SEEK_END);
  if (encoder_ != nullptr) begin_encoding(position > 0);
}

void FileHandler::begin_encoding(bool continues) {
  const bool waiting = has_whole_records();  // meant for the file before, which is full
  encoder_->begin(!continues && !waiting);
  if (!continues && waiting) prepend(encoder_->byte_order_mark());
}

std::string_view FileHandler::encoded(std::string_view text) {
  return encoder_->encode(text);
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

void FileHandler::reopen() {
  const std::lock_guard guard(lock());
  if (!has_stream()) return;
  flush();
  release_stream();
  std::string mode = std::exchange(options_.mode, "a");
  open();  // if it throws, the next record appends too
  options_.mode = std::move(mode);
}

void FileHandler::close() {
  const std::lock_guard guard(lock());
  StreamHandler::close();
  closed_ = true;
}

}  // namespace abi1
}  // namespace logbus
