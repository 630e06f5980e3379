// SPDX-License-Identifier: MIT
// StreamHandler: writes whole records out, never half of one into a file, and keeps what a full disk refuses.
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include <logbus/error.h>
#include <logbus/stream_handler.h>

#include "record/disk_full.h"
#include "record/write_group.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

// A buffer that one huge record has blown up is given back.
constexpr std::size_t kKeptBytes = 4U << 20;
// How long a non-blocking descriptor may refuse before its records are given up.
constexpr int kRefusalTimeoutMs = 1000;

bool wait_until_writable(int descriptor, int timeout_ms) noexcept {
  pollfd entry{descriptor, POLLOUT, 0};
  return ::poll(&entry, 1, timeout_ms) > 0;
}

bool is_regular(int descriptor) noexcept {
  struct stat status {};
  return ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

void StreamHandler::write_out(Refused refused) {
  if (group_ != nullptr) return group_->write();
  tell_unless_good(write_whole_records(refused), refused);
}

void StreamHandler::write_out_all() {
  write_out();
  if (group_ != nullptr && has_whole_records())
    tell_unless_good(write_whole_records(Refused::kWait), Refused::kWait);
}

void StreamHandler::tell_unless_good(const WriteResult& result, Refused refused) noexcept {
  if (result.error == 0) return;
  // Each lost record is an error of its own, as in Python; those that a full disk refuses for good are told
  // as one.
  const bool each = !pending() && !(refused == Refused::kAreLost && may_find_room(result.error));
  tell(result, each);
}

void StreamHandler::tell(const WriteResult& result, bool each) noexcept {
  const bool no_room = result.lost != 0 && may_find_room(result.error);
  count_dropped(no_room ? DropReason::kBacklogFull : DropReason::kError, result.lost);
  try {
    std::string sentence = "cannot write to " + stream_name();
    if (result.lost != 0 && !each) sentence += ", " + std::to_string(result.lost) + " records lost";
    if (result.waiting != 0 && !each)
      sentence += ", " + std::to_string(result.waiting) + " records wait for room";
    const Error error(result.error, sentence);
    for (std::size_t count = each ? result.lost : 1; count > 0; --count) handle_error(nullptr, error);
  } catch (const std::exception& error) {  // no memory for the sentence
    handle_error(nullptr, error);
  }
}

StreamHandler::WriteResult StreamHandler::write_whole_records(Refused refused) noexcept {
  const std::size_t whole = whole_bytes();
  if (whole == 0) return {};
  int error = stream_error();
  const std::size_t written = error == 0 ? write_records(0, whole, refused, error) : 0;
  return settle(written, whole, refused, error);
}

// The buffer's bytes [from, to), of which `from` may be within a record that has begun, and `to` ends one.
// Returns up to where they are written: the end of a record, but if a part of one could not be cut back.
std::size_t StreamHandler::write_records(std::size_t from, std::size_t to, Refused refused,
                                         int& error) noexcept {
  std::size_t written = from + write_all(buffer_.view().substr(from, to - from), error);
  position_ = kUnknownPosition;
  if (error == 0) return written;
  const auto first_left = std::upper_bound(ends_.begin(), ends_.end(), written);
  const std::size_t kept = std::max(from, first_left == ends_.begin() ? 0 : *std::prev(first_left));
  const bool waits = refused == Refused::kWait && may_find_room(error);
  // A pipe has half a record, and no room for the other half: that one goes on when there is some.
  torn_ = refused == Refused::kWait && error == EAGAIN && (written != kept || (torn_ && written == 0));
  // What can't be cut back is the beginning of a record whose rest waits.
  if (written == kept || cut_back(written - kept) || !(waits || torn_)) written = kept;
  return written;
}

// [0, written) of [0, to) has been written; what becomes of the rest.
StreamHandler::WriteResult StreamHandler::settle(std::size_t written, std::size_t to, Refused refused,
                                                 int error) noexcept {
  WriteResult result;
  result.error = error;
  mutable_counters().bytes.fetch_add(written, std::memory_order_relaxed);
  if (error == 0) {
    erase_front(to);
    torn_ = false;
  } else {
    const auto last = std::upper_bound(ends_.begin(), ends_.end(), to);
    const auto left = static_cast<std::size_t>(last - std::upper_bound(ends_.begin(), last, written));
    const bool waits = refused == Refused::kWait && may_find_room(error);
    result.lost = left;
    if (waits || torn_) {
      const std::size_t later = static_cast<std::size_t>(ends_.end() - last);
      erase_front(written);
      result.lost = keep_backlog(waits ? backlog_bytes_ : 1);
      result.waiting = left + later - result.lost;
    } else {
      erase_front(to);
    }
  }
  set_waiting(result.waiting);
  pending_.store(result.waiting != 0 && !torn_, std::memory_order_relaxed);  // a reader may never come back
  if (group_ != nullptr) buffer_.go_home();
  set_write_out_size();
  if (buffer_.capacity() > kKeptBytes && buffer_.size() == 0) buffer_.release();
  if (text_.capacity() > kKeptBytes) text_ = {};
  return result;
}

void StreamHandler::erase_front(std::size_t bytes) noexcept {
  if (bytes == whole_bytes()) {
    ends_.clear();
  } else {
    ends_.erase(ends_.begin(), std::upper_bound(ends_.begin(), ends_.end(), bytes));
    for (std::size_t& end : ends_) end -= bytes;
  }
  buffer_.erase(0, bytes);
  noted_bytes_ -= std::min(noted_bytes_, bytes);
}

// The errno that keeps it from being written to, if there is none to write to even now.
int StreamHandler::stream_error() noexcept {
  if (has_stream()) return 0;
  try {
    return prepare_stream() ? 0 : EBADF;
  } catch (const Error& error) {
    return error.code() != 0 ? error.code() : EIO;
  } catch (...) {
    return EIO;
  }
}

// Room comes back on a disk; a device that says it is full says so for ever.
bool StreamHandler::may_find_room(int error) const noexcept {
  return record::is_disk_full(error) && (!has_stream() || is_regular(descriptor_));
}

// Bytes written; fewer than asked if `error` is set.
std::size_t StreamHandler::write_all(std::string_view bytes, int& error) noexcept {
  std::size_t written = 0;
  while (written < bytes.size()) {
    const ssize_t count = ::write(descriptor_, bytes.data() + written, bytes.size() - written);
    if (count > 0) {
      written += static_cast<std::size_t>(count);
      stuck_ = false;
      continue;
    }
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      // Who has let one write wait in vain isn't waited for again until he reads.
      if (wait_until_writable(descriptor_, stuck_ ? 0 : kRefusalTimeoutMs)) continue;
      stuck_ = true;
      errno = EAGAIN;
    }
    error = count < 0 ? errno : EIO;
    break;
  }
  return written;
}

// The file ends with `bytes` of a record that didn't fit. Only if nobody else has appended since.
bool StreamHandler::cut_back(std::size_t bytes) noexcept {
  struct stat status {};
  const off_t end = ::lseek(descriptor_, 0, SEEK_CUR);
  if (end < 0 || ::fstat(descriptor_, &status) != 0 || !S_ISREG(status.st_mode) || status.st_size != end)
    return false;
  const off_t whole = end - static_cast<off_t>(bytes);
  if (whole < 0 || ::ftruncate(descriptor_, whole) != 0) return false;
  (void)::lseek(descriptor_, whole, SEEK_SET);
  return true;
}

// Keeps of the whole records what may wait. Returns how many may not.
std::size_t StreamHandler::keep_backlog(std::size_t bound) noexcept {
  // A record waits if it begins within the bound.
  auto last = std::lower_bound(ends_.begin(), ends_.end(), bound);
  if (last != ends_.end() && bound != 0) ++last;
  const auto lost = static_cast<std::size_t>(ends_.end() - last);
  if (lost != 0) {
    const std::size_t whole = ends_.back();
    ends_.erase(last, ends_.end());
    buffer_.erase(whole_bytes(), whole - whole_bytes());
    noted_bytes_ = std::min(noted_bytes_, whole_bytes());
  }
  return lost;
}

// In a group it is written before it outgrows where it lives, with a little left for the next line.
void StreamHandler::set_write_out_size() noexcept {
  constexpr std::size_t kLine = 8U << 10;
  const std::size_t home = home_bytes_ > 2 * kLine ? home_bytes_ - kLine : home_bytes_ / 2;
  write_out_at_ = whole_bytes() + (group_ == nullptr ? kBatchBytes : std::min(kBatchBytes, home));
}

void StreamHandler::join(record::WriteGroup* group, std::span<char> home) {
  buffer_.live_in(home);
  if (group_ != group) noted_record_ = 0;
  group_ = group;
  home_bytes_ = home.size();
  set_write_out_size();
}

std::size_t StreamHandler::bytes_of_earlier_records() const noexcept {
  return noted_record_ == group_->record() ? noted_bytes_ : whole_bytes();
}

// What is not written will come again.
void StreamHandler::discard_all() noexcept {
  ends_.clear();
  buffer_.truncate(0);
  noted_bytes_ = 0;
  set_waiting(0);
  pending_.store(false, std::memory_order_relaxed);
}

}  // namespace abi1
}  // namespace logbus
