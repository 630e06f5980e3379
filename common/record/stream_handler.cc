// SPDX-License-Identifier: MIT
// StreamHandler: buffers whole records and writes them, never half of one into a file.
#include <logbus/stream_handler.h>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <typeinfo>

#include <logbus/error.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

// A deferred buffer is written before it outgrows the cache by much; larger writes gain nothing.
constexpr std::size_t kBatchBytes = 1U << 20;
// A buffer that one huge record has blown up is given back.
constexpr std::size_t kKeptBytes = 4 * kBatchBytes;
// How long a non-blocking descriptor may refuse before its records are given up.
constexpr int kRefusalTimeoutMs = 1000;

bool wait_until_writable(int descriptor) noexcept {
  pollfd entry{descriptor, POLLOUT, 0};
  return ::poll(&entry, 1, kRefusalTimeoutMs) > 0;
}

// Bytes written; fewer than asked if `error` is set.
std::size_t write_all(int descriptor, std::string_view bytes, int& error) noexcept {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t count = ::write(descriptor, bytes.data() + written, bytes.size() - written);
    if (count > 0) {
      written += static_cast<std::size_t>(count);
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN && wait_until_writable(descriptor)) continue;
    error = count < 0 ? errno : EIO;
    break;
  }
  return written;
}

}  // namespace

StreamHandler::StreamHandler(int descriptor, Ownership ownership)
    : descriptor_(descriptor), ownership_(ownership) {}

StreamHandler::StreamHandler(NoStream) {}

StreamHandler::~StreamHandler() {
  if (has_stream()) (void)write_whole_records();
  release_stream();
}

void StreamHandler::set_terminator(std::string_view terminator) {
  const std::lock_guard guard(lock());
  terminator_ = terminator;
}

bool StreamHandler::takes_lines() const noexcept {
  return typeid(*this) == typeid(StreamHandler);
}

void StreamHandler::emit(const LogRecord& record) {
  if (!prepare_stream()) return;
  place_record(begin_record(record));
}

std::string_view StreamHandler::begin_record(const LogRecord& record) {
  text_.clear();
  format(record, text_);
  buffer_.append(text_);
  return text_;
}

bool StreamHandler::prepare_record(std::string_view) {
  return prepare_stream();
}

void StreamHandler::place_record(std::string_view text) {
  try {
    if (prepare_record(text)) return finish_record();
  } catch (...) {
    discard_record();
    throw;
  }
  discard_record();
}

void StreamHandler::finish_record() {
  if (terminator_.size() == 1)  // a call of memcpy costs more than the byte
    buffer_.append(terminator_.front());
  else
    buffer_.append(terminator_);
  ends_.push_back(buffer_.size());
  if (deferred_) {
    if (buffer_.size() >= kBatchBytes) write_out();
    return;
  }
  const WriteResult result = write_whole_records();
  // The caller counts this record: it is the only one here.
  if (result.error != 0) throw Error(result.error, "cannot write to " + stream_name());
}

void StreamHandler::discard_record() noexcept {
  buffer_.truncate(whole_bytes());
}

void StreamHandler::write_out() {
  const WriteResult result = write_whole_records();
  if (result.error == 0) return;
  mutable_counters().records.fetch_sub(result.lost, std::memory_order_relaxed);  // emit has counted them
  mutable_counters().dropped.fetch_add(result.lost, std::memory_order_relaxed);
  handle_error(nullptr, Error(result.error, "cannot write to " + stream_name() + ", " +
                                                std::to_string(result.lost) + " records lost"));
}

StreamHandler::WriteResult StreamHandler::write_whole_records() noexcept {
  WriteResult result;
  const std::size_t whole = whole_bytes();
  if (whole == 0) return result;
  std::size_t written = 0;
  if (has_stream()) {
    written = write_all(descriptor_, buffer_.view().substr(0, whole), result.error);
  } else {
    result.error = EBADF;
  }
  position_ = kUnknownPosition;
  if (result.error != 0) {
    const auto first_lost = std::upper_bound(ends_.begin(), ends_.end(), written);
    result.lost = static_cast<std::size_t>(ends_.end() - first_lost);
    const std::size_t kept = first_lost == ends_.begin() ? 0 : *std::prev(first_lost);
    if (written != kept) cut_back(written - kept);
    written = kept;
  }
  mutable_counters().bytes.fetch_add(written, std::memory_order_relaxed);
  buffer_.erase_front(whole);
  ends_.clear();
  if (buffer_.capacity() > kKeptBytes && buffer_.size() == 0) buffer_.release();
  if (text_.capacity() > kKeptBytes) text_ = {};
  return result;
}

// The file ends with `bytes` of a record that didn't fit. Only if nobody else has appended since.
void StreamHandler::cut_back(std::size_t bytes) noexcept {
  struct stat status {};
  const off_t end = ::lseek(descriptor_, 0, SEEK_CUR);
  if (end < 0 || ::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size != end)
    return;
  const off_t whole = end - static_cast<off_t>(bytes);
  if (whole >= 0 && ::ftruncate(descriptor_, whole) == 0) (void)::lseek(descriptor_, whole, SEEK_SET);
}

std::int64_t StreamHandler::next_position() {
  if (position_ == kUnknownPosition) position_ = ::lseek(descriptor_, 0, SEEK_CUR);
  return position_ < 0 ? -1 : position_ + static_cast<std::int64_t>(whole_bytes());
}

void StreamHandler::flush() {
  const std::lock_guard guard(lock());
  if (has_stream()) write_out();
}

void StreamHandler::close() {
  const std::lock_guard guard(lock());
  if (has_stream()) write_out();
  release_stream();
}

void StreamHandler::defer_flush(bool deferred) {
  const std::lock_guard guard(lock());
  if (!deferred && has_stream()) write_out();
  deferred_ = deferred;
}

std::string StreamHandler::stream_name() const {
  if (descriptor_ == STDOUT_FILENO) return "<stdout>";
  if (descriptor_ == STDERR_FILENO) return "<stderr>";
  return "descriptor " + std::to_string(descriptor_);
}

void StreamHandler::attach_stream(int descriptor, Ownership ownership) noexcept {
  release_stream();
  descriptor_ = descriptor;
  ownership_ = ownership;
}

void StreamHandler::release_stream() noexcept {
  position_ = kUnknownPosition;
  // A borrowed descriptor stays usable after close(), as Python's does.
  if (ownership_ == Ownership::kBorrowed) return;
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace abi1
}  // namespace logbus
