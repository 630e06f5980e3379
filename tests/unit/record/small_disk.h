// SPDX-License-Identifier: MIT
// A disk that is soon full: a tmpfs of a few pages, in a mount namespace of the test's own.
#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <string>

namespace logbus {

class SmallDisk {
 public:
  static constexpr std::size_t kPage = 4096;

  explicit SmallDisk(std::size_t pages) {
    char name[] = "/tmp/logbus-disk-XXXXXX";
    folder_ = ::mkdtemp(name);
    const std::string size = "size=" + std::to_string(pages * kPage) + ",nr_inodes=100";
    mounted_ = own_namespace() && ::mount("none", name, "tmpfs", 0, size.c_str()) == 0;
  }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.c_str(), MNT_DETACH);
    ::rmdir(folder_.c_str());
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  /// False: this user may not mount.
  bool mounted() const noexcept { return mounted_; }
  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  /// Takes all the room but so many bytes, until free().
  void fill(std::size_t pages_left) const {
    const std::string reserve = path("reserve");
    std::ofstream(reserve) << std::string(pages_left * kPage, '.');
    std::ofstream filler(path("filler"));
    const std::string page(kPage, '.');
    while (filler.write(page.data(), kPage).flush()) {
    }
    ::unlink(reserve.c_str());
  }
  void free() const { ::unlink(path("filler").c_str()); }

 private:
  static bool own_namespace() {
    static const bool done =
        ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
    return done;
  }

  std::string folder_;
  bool mounted_ = false;
};

}  // namespace logbus
