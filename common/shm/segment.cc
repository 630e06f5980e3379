// SPDX-License-Identifier: MIT
// Attaching to a segment by name, and its mappings.
#include "shm/segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/interprocess/exceptions.hpp>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <logbus/error.h>
#include "base/kernel.h"
#include "base/process_identity.h"
#include "shm/segment_create.h"

namespace logbus::shm {
namespace {

using boost::interprocess::mapped_region;

/// What mapped_region wants of a file. Boost's own file_mapping follows symlinks and survives exec.
class MappableFile {
 public:
  explicit MappableFile(int fd) : fd_(fd) {}
  boost::interprocess::mapping_handle_t get_mapping_handle() const noexcept {
    return boost::interprocess::ipcdetail::mapping_handle_from_file_handle(fd_);
  }

 private:
  int fd_;
};

void check_file(const struct stat& st, const BusOptions& options, const std::string& path) {
  if (!S_ISREG(st.st_mode)) throw Error(EBADMSG, path + " is not a regular file");
  // Root too: somebody may have put a bus of his own there to read what root logs.
  const bool trusted =
      st.st_uid == ::geteuid() || st.st_uid == 0 || st.st_gid == options.group ||
      ((st.st_mode & 0020) != 0 && (st.st_gid == ::getegid() || ::group_member(st.st_gid) != 0));
  if (!trusted)
    throw Error(EPERM, path + " belongs to uid " + std::to_string(st.st_uid) +
                           " and no group of ours may write it: not trusted (see `group` and `permissions`)");
  if ((st.st_mode & 0002) != 0) throw Error(EPERM, path + " is writable by everybody: not trusted");
  if (st.st_nlink > 1) throw Error(EPERM, path + " has a second link: not trusted");
}

}  // namespace

std::string bus_directory(const BusOptions& options) {
  if (!options.directory.empty()) return options.directory;
  const char* environment = std::getenv("LOGBUS_DIR");
  return environment != nullptr && *environment != '\0' ? environment : "/dev/shm";
}

std::string bus_path(const BusOptions& options) {
  constexpr std::string_view kAllowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
  if (options.bus.empty() || options.bus.size() > 64 ||
      options.bus.find_first_not_of(kAllowed) != std::string::npos)
    throw Error(EINVAL, "\"" + options.bus + "\" is not a bus's name: 1 to 64 of A-Z a-z 0-9 _ . -");
  return bus_directory(options) + "/" + options.bus + ".logbus";
}

mapped_region map_file(int fd, boost::interprocess::mode_t mode, std::uint64_t offset, std::uint64_t size,
                       const std::string& what) {
  try {
    mapped_region region(MappableFile(fd), mode, static_cast<boost::interprocess::offset_t>(offset), size);
    // A child must not write what its parent owns; a core dump must not hold gigabytes of holes.
    ::madvise(region.get_address(), size, MADV_DONTFORK);
    ::madvise(region.get_address(), size, MADV_DONTDUMP);
    return region;
  } catch (const boost::interprocess::interprocess_exception& e) {
    throw Error(e.get_native_error(), "can't map " + what);
  }
}

Segment Segment::map(const std::string& path, const base::UniqueFd& fd, const Preamble& preamble, Role role) {
  using boost::interprocess::read_only;
  using boost::interprocess::read_write;
  Segment s;
  s.path_ = path;
  s.preamble_ = preamble;
  s.of_this_boot_ = preamble.boot_id == base::boot_id();
  struct stat st;
  if (::fstat(fd.get(), &st) != 0) throw Error(errno, "can't stat " + path);
  s.device_ = st.st_dev;
  s.inode_ = st.st_ino;
  const std::uint64_t split = preamble.shared_control.offset;
  // Not the journal, which no worker reads: under mlockall(MCL_FUTURE) mapping it would fill it with memory.
  s.consumer_side_ = role == Role::kSidecar ? map_file(fd.get(), read_write, 0, split, path)
                                            : map_file(fd.get(), read_only, 0, preamble.journal.offset, path);
  s.shared_side_ = map_file(fd.get(), read_write, split, preamble.data.offset - split, path);
  if (role == Role::kSidecar)
    s.data_ = map_file(fd.get(), read_only, preamble.data.offset, preamble.data.size, path);
  const bool sidecar = role == Role::kSidecar;
  const auto range = [](const mapped_region& region, int protection) {
    return SigbusGuard::Range{region.get_address(), region.get_size(), protection};
  };
  s.guard_ = SigbusGuard({range(s.consumer_side_, sidecar ? PROT_READ | PROT_WRITE : PROT_READ),
                          range(s.shared_side_, PROT_READ | PROT_WRITE), range(s.data_, PROT_READ)},
                         s.shared().attention, sidecar);
  return s;
}

Segment Segment::open_file(const std::string& path, const BusOptions& options, Role role) {
  // Non-blocking: the name may be a FIFO's or a device's.
  const base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw Error(errno, "can't open bus " + path);
  struct stat st;
  if (::fstat(fd.get(), &st) != 0) throw Error(errno, "can't stat " + path);
  check_file(st, options, path);
  Preamble preamble = {};
  const ssize_t n = ::pread(fd.get(), &preamble, sizeof preamble, 0);
  if (n < 0) throw Error(errno, "can't read " + path);
  if (n != sizeof preamble) throw Error(EBADMSG, path + " is not a logbus segment: too short");
  check_preamble(preamble, static_cast<std::uint64_t>(st.st_size), path);
  return map(path, fd, preamble, role);
}

Segment Segment::open_existing(const BusOptions& options, Role role) {
  Segment segment = open_file(bus_path(options), options, role);
  if (!segment.of_this_boot()) throw Error(ESTALE, segment.path() + " is of an earlier boot");
  return segment;
}

Segment Segment::open(const BusOptions& options, Role role) {
  // Each round either attaches or has seen another process change the name; more rounds than this would be a
  // fight.
  for (int round = 0; round < 16; ++round) {
    try {
      Segment segment = open_existing(options, role);
      if (!segment.is_retired()) return segment;
      move_aside(segment.path(), segment.reopen(), segment.preamble(), "retired");
    } catch (const Error& e) {
      if (e.code() == ENOENT)
        create_segment(options);
      else if (e.code() == ESTALE)
        move_stale(bus_path(options));
      else if (e.code() == EBADMSG && move_damaged(bus_path(options)))
        continue;
      else
        throw;
    }
  }
  throw Error(EBUSY, "can't attach to " + bus_path(options) + ": its name keeps changing");
}

base::UniqueFd Segment::reopen() const noexcept {
  base::UniqueFd fd(::open(path_.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  struct stat st;
  if (!fd || ::fstat(fd.get(), &st) != 0 || st.st_dev != device_ || st.st_ino != inode_) return {};
  return fd;
}

bool Segment::is_current() const noexcept {
  struct stat st;
  if (::lstat(path_.c_str(), &st) == 0) return st.st_dev == device_ && st.st_ino == inode_;
  return errno != ENOENT && errno != ENOTDIR;  // not to be seen is not gone
}

bool Segment::back(void* at, std::uint64_t size) const noexcept {
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::uintptr_t begin = reinterpret_cast<std::uintptr_t>(at) & ~(page - 1);
  const std::uintptr_t end = reinterpret_cast<std::uintptr_t>(at) + size;
  // A signal may interrupt it; one that keeps coming must not keep us here.
  for (int attempt = 0; attempt < 3; ++attempt) {
    if (::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_POPULATE_WRITE) == 0) return true;
    if (errno != EINTR && errno != EAGAIN) return false;
  }
  return false;
}

void Segment::give_back(void* at, std::uint64_t size) const noexcept {
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const std::uintptr_t begin = (reinterpret_cast<std::uintptr_t>(at) + page - 1) & ~(page - 1);
  const std::uintptr_t end = (reinterpret_cast<std::uintptr_t>(at) + size) & ~(page - 1);
  if (begin < end) (void)::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_REMOVE);
}

LifeLock LifeLock::try_take(const Segment& segment, std::int64_t byte) {
  // A mapping keeps the open file description it was made from, and with it the lock, until the address space
  // goes: closing descriptors does not matter, a forked child has neither.
  LifeLock lock;
  // A child forked meanwhile would inherit the descriptor, and keep the lock after this process's death.
  const base::NoForkMeanwhile guard;
  const auto failed = [&segment](int error) {
    return segment.is_current() ? Error(error, "can't open bus " + segment.path())
                                : Error(ESTALE, segment.path() + " has been replaced");
  };
  base::UniqueFd fd = segment.reopen();
  if (!fd) throw failed(errno);
  mapped_region page = map_file(fd.get(), boost::interprocess::read_only, 0, 4096, segment.path());
  if (!base::try_lock_byte(fd.get(), byte)) return lock;
  fd.reset();
  const base::UniqueFd witness = segment.reopen();
  if (!witness) throw failed(errno);  // nobody can say what the mapping keeps
  if (!base::is_locked(witness.get(), byte, 1)) {
    // Overlayfs and the like: the mapping holds another file's description. A descriptor must do.
    fd = segment.reopen();
    if (!fd || !base::try_lock_byte(fd.get(), byte)) return lock;
    const int high =
        ::fcntl(fd.get(), F_DUPFD_CLOEXEC, 512);  // above what servers close in a loop over 0..255
    if (high >= 0) fd.reset(high);
    lock.descriptor_ = base::UninheritedFd(std::move(fd), guard);
  }
  lock.page_ = std::move(page);
  return lock;
}

void LifeLock::release() noexcept {
  mapped_region().swap(page_);
  descriptor_.reset();
}

}  // namespace logbus::shm
