// SPDX-License-Identifier: MIT
#include "small_disk.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"

namespace logbus::kill_points {
namespace {

constexpr const char* kSize = "size=256k,nr_inodes=40,mode=700";
constexpr off_t kPage = 4096;

std::string disk;  // its directory

std::string filler(int number) {
  return disk + "/" + kFiller + (number == 0 ? "" : std::to_string(number));
}

/// A page, or a name.
void give_room() {
  struct stat status {};
  const std::string name = filler(0);
  if (::stat(name.c_str(), &status) == 0 && status.st_size > 0) {
    static_cast<void>(::truncate(name.c_str(), status.st_size - kPage));
    return;
  }
  for (int i = 0; ::unlink(filler(i).c_str()) != 0 && i < 64; ++i) {
  }
}

}  // namespace

SmallDisk::SmallDisk(const std::string& directory) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("none", directory.c_str(), "tmpfs", 0, kSize) != 0)
    throw NoDisk(std::string("a small disk: ") + std::strerror(errno));
  disk = directory;
}

SmallDisk::~SmallDisk() {
  ::umount2(disk.c_str(), MNT_DETACH);
  disk.clear();
}

void fill_disk() {
  struct statvfs status {};
  const base::UniqueFd file(::open(filler(0).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  if (!file || ::fstatvfs(file.get(), &status) != 0 ||
      ::posix_fallocate(file.get(), 0, static_cast<off_t>(status.f_bavail) * kPage) != 0)
    throw std::runtime_error("the disk can't be filled");
}

void use_up_names() {
  for (int i = 0;; ++i) {
    const base::UniqueFd file(::open(filler(i).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    if (file) continue;
    if (errno == ENOSPC) return;
    throw std::runtime_error("the disk's names can't be used up");
  }
}

}  // namespace logbus::kill_points

// The C library's, for this program: a sidecar that waits for room.
extern "C" int nanosleep(const timespec* time, timespec* left) {
  if (logbus::kill_points::disk.empty())
    return static_cast<int>(::syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, time, left));
  logbus::kill_points::give_room();
  return 0;
}
