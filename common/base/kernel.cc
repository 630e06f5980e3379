// SPDX-License-Identifier: MIT
// Thin wrappers over Linux system calls.
#include "base/kernel.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <ctime>

#include <logbus/error.h>

namespace logbus::base {

void futex_wait(const void* word, std::uint32_t expected, std::chrono::nanoseconds timeout) noexcept {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(timeout);
  const timespec t{seconds.count(), (timeout - seconds).count()};
  ::syscall(SYS_futex, word, FUTEX_WAIT, expected, &t, nullptr, 0);
}

void futex_wake(const void* word, int count) noexcept {
  ::syscall(SYS_futex, word, FUTEX_WAKE, count, nullptr, nullptr, 0);
}

bool membarrier_register() noexcept {
  return ::syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0) == 0;
}

bool membarrier_global() noexcept {
  return ::syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL_EXPEDITED, 0, 0) == 0;
}

namespace {
struct flock byte_range(short type, std::int64_t first, std::int64_t count) noexcept {
  struct flock range = {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = first;
  range.l_len = count;
  return range;
}
}  // namespace

bool try_lock_byte(int fd, std::int64_t byte) {
  struct flock range = byte_range(F_WRLCK, byte, 1);
  if (::fcntl(fd, F_OFD_SETLK, &range) == 0) return true;
  if (errno == EAGAIN || errno == EACCES) return false;
  throw Error(errno, "can't lock a byte of the bus: its file system has no open-file-description locks");
}

bool unlock_byte(int fd, std::int64_t byte) noexcept {
  struct flock range = byte_range(F_UNLCK, byte, 1);
  return ::fcntl(fd, F_OFD_SETLK, &range) == 0;
}

bool is_locked(int fd, std::int64_t first, std::int64_t count) noexcept {
  struct flock range = byte_range(F_WRLCK, first, count);
  return ::fcntl(fd, F_OFD_GETLK, &range) == 0 && range.l_type != F_UNLCK;
}

}  // namespace logbus::base
