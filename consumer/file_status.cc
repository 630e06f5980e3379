// SPDX-License-Identifier: MIT
#include "file_status.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

namespace logbus::consumer {
namespace {

std::optional<FileStatus> look(int directory, const char* path, int flags) noexcept {
  struct statx status {};
  constexpr unsigned kWanted = STATX_TYPE | STATX_INO | STATX_SIZE | STATX_BTIME;
  if (::statx(directory, path, flags, kWanted, &status) != 0) return std::nullopt;
  FileStatus result;
  result.id.device = ::makedev(status.stx_dev_major, status.stx_dev_minor);
  result.id.inode = status.stx_ino;
  if ((status.stx_mask & STATX_BTIME) != 0)
    result.id.born_ns = status.stx_btime.tv_sec * std::int64_t{1'000'000'000} + status.stx_btime.tv_nsec;
  result.size = status.stx_size;
  result.regular = S_ISREG(status.stx_mode);
  return result;
}

}  // namespace

std::optional<FileStatus> status_of(int descriptor) noexcept {
  return look(descriptor, "", AT_EMPTY_PATH);
}

std::optional<FileStatus> status_of_name(const std::string& path) noexcept {
  return look(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW);
}

}  // namespace logbus::consumer
