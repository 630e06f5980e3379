// SPDX-License-Identifier: MIT
// Builds a segment whole before it has a name; moves and removes it by name.
#include "shm/segment_create.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <memory>

#include <logbus/detail/clock.h>
#include <logbus/error.h>
#include "base/kernel.h"
#include "base/process_identity.h"
#include "shm/segment.h"

namespace logbus::shm {
namespace {

using detail::ClockSource;
using detail::Policy;

constexpr std::uint64_t kDefaultMemory = 64 << 20;

/// The kernel itself runs on the TSC only if it has found it constant and the same on all CPUs.
ClockSource pick_clock() {
#if defined(__x86_64__)
  std::ifstream file("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  std::string source;
  if (file >> source && source == "tsc") return ClockSource::kTsc;
#endif
  return ClockSource::kMonotonicNs;
}

std::uint64_t ticks_per_second(ClockSource source) {
  if (source == ClockSource::kMonotonicNs) return 1'000'000'000;
  // A millisecond gives four digits; readers of a living or an older bus use readings further apart.
  const std::uint64_t ns0 = detail::clock_ns(CLOCK_MONOTONIC);
  const std::uint64_t ticks0 = detail::read_ticks(source);
  std::uint64_t ns1 = ns0;
  while (ns1 - ns0 < 1'000'000) ns1 = detail::clock_ns(CLOCK_MONOTONIC);
  const std::uint64_t ticks1 = detail::read_ticks(source);
  return static_cast<std::uint64_t>(static_cast<double>(ticks1 - ticks0) * 1e9 /
                                    static_cast<double>(ns1 - ns0));
}

/// Fewer lanes if the process may not make a file this long: ftruncate over the limit would be SIGXFSZ.
Preamble layout_within_limits(const BusOptions& options, const std::string& path) {
  rlimit limit = {};
  ::getrlimit(RLIMIT_FSIZE, &limit);
  for (std::uint32_t lanes = options.lanes; lanes > 0; lanes /= 2) {
    const Preamble p = compute_layout(lanes, options.lane_size, options.sites);
    if (limit.rlim_cur == RLIM_INFINITY || p.file_size <= limit.rlim_cur) return p;
  }
  throw Error(EFBIG, "can't create bus " + path + ": RLIMIT_FSIZE is " + std::to_string(limit.rlim_cur) +
                         " bytes, too little for one lane");
}

void fill_preamble(Preamble& p) {
  if (::getrandom(p.bus_uuid, sizeof p.bus_uuid, 0) != sizeof p.bus_uuid)
    throw Error(errno, "can't get a uuid");
  const std::string boot = base::boot_id();
  std::memcpy(p.boot_id, boot.data(), std::min(boot.size(), sizeof p.boot_id - 1));
  p.clock_source = pick_clock();
  p.ticks_per_second_guess = ticks_per_second(p.clock_source);
  p.created_ticks = detail::read_ticks(p.clock_source);
  p.created_realtime_ns = detail::clock_ns(CLOCK_REALTIME);
  p.created_monotonic_ns = detail::clock_ns(CLOCK_MONOTONIC);
}

/// All tables get their memory now, so that touching them later never fails; lane data and the arena stay
/// sparse.
void allocate_tables(int fd, const Preamble& p, const std::string& path) {
  const auto allocate = [&](std::uint64_t begin, std::uint64_t end) {
    int result;
    do result = ::fallocate(fd, 0, static_cast<off_t>(begin), static_cast<off_t>(end - begin));
    while (result != 0 && errno == EINTR);
    if (result != 0)
      throw Error(errno, "can't create bus " + path + ": no room for " + std::to_string((end - begin) >> 10) +
                             " KiB of tables");
  };
  allocate(0, p.journal.offset);
  allocate(p.shared_control.offset, p.site_arena.offset);
}

/// fstat of a name, or nothing.
bool same_file(const std::string& path, int fd) {
  struct stat by_name;
  struct stat by_fd;
  return ::lstat(path.c_str(), &by_name) == 0 && ::fstat(fd, &by_fd) == 0 && by_name.st_dev == by_fd.st_dev &&
         by_name.st_ino == by_fd.st_ino;
}

/// An unnamed file, or one with a name nobody else has if the file system has no O_TMPFILE.
base::UniqueFd unnamed_file(const std::string& directory, const std::string& path, std::string& temporary) {
  base::UniqueFd fd(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!fd && (errno == EOPNOTSUPP || errno == EISDIR)) {
    temporary = path + "." + std::to_string(::getpid()) + ".new";
    fd.reset(::open(temporary.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600));
  }
  if (!fd) throw Error(errno, "can't create bus " + path);
  return fd;
}

/// Builds it whole, under no name, then links it to `path`. False: something else has that name.
bool create_at(const std::string& path, const BusOptions& options, const Preamble& p) {
  const std::string directory = bus_directory(options);
  std::string temporary;
  const auto unlink_temporary = [](std::string* name) {
    if (!name->empty()) ::unlink(name->c_str());
  };
  const std::unique_ptr<std::string, decltype(unlink_temporary)> guard(&temporary, unlink_temporary);
  const base::UniqueFd fd = unnamed_file(directory, path, temporary);
  if (::ftruncate(fd.get(), static_cast<off_t>(p.file_size)) != 0)
    throw Error(errno,
                "can't create bus " + path + " of " + std::to_string(p.file_size >> 20) + " MiB (sparse)");
  allocate_tables(fd.get(), p, path);

  struct statvfs fs = {};
  ::fstatvfs(fd.get(), &fs);
  const std::uint64_t half_of_free = fs.f_bavail * fs.f_frsize / 2;
  const std::uint64_t memory = options.memory != 0 ? options.memory : std::min(kDefaultMemory, half_of_free);
  {
    const auto region = map_file(fd.get(), boost::interprocess::read_write, 0, p.site_arena.offset, path);
    auto* base = static_cast<std::byte*>(region.get_address());
    auto& consumer = *reinterpret_cast<ConsumerControl*>(base + p.consumer_control.offset);
    auto& shared = *reinterpret_cast<SharedControl*>(base + p.shared_control.offset);
    // Relaxed: nobody else can see the file before linkat.
    consumer.policy.store(static_cast<std::uint32_t>(options.overflow), std::memory_order_relaxed);
    consumer.block_timeout_ns.store(static_cast<std::uint64_t>(options.block_timeout.count()),
                                    std::memory_order_relaxed);
    consumer.memory_bytes.store(memory, std::memory_order_relaxed);
    consumer.max_per_process_bytes.store(options.max_per_process, std::memory_order_relaxed);
    consumer.max_hold_ns.store(static_cast<std::uint64_t>(options.max_hold.count()),
                               std::memory_order_relaxed);
    shared.budget_left.store(static_cast<std::int64_t>(memory), std::memory_order_relaxed);
    shared.arena_top.store(64, std::memory_order_relaxed);  // offset 0 would make a table word look free
    std::memcpy(base, &p, sizeof p);
  }
  if (options.group != static_cast<gid_t>(-1) &&
      ::fchown(fd.get(), static_cast<uid_t>(-1), options.group) != 0)
    throw Error(errno, "can't give bus " + path + " to group " + std::to_string(options.group));
  if (::fchmod(fd.get(), options.mode) != 0) throw Error(errno, "can't set permissions of bus " + path);

  const std::string by_fd = "/proc/self/fd/" + std::to_string(fd.get());
  const std::string& source = temporary.empty() ? by_fd : temporary;
  if (::linkat(AT_FDCWD, source.c_str(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0) return true;
  if (errno != EEXIST) throw Error(errno, "can't link bus " + path + " into place");
  return false;
}

}  // namespace

Preamble wanted_layout(const BusOptions& options) {
  const std::string path = bus_path(options);
  const bool overwrites = options.overflow == Policy::kOverwrite;
  if (overwrites && options.lane_size < detail::kMinRingBytes)
    throw Error(EINVAL, "can't create bus " + path + ": lanes that overwrite need 128 KiB or more");
  Preamble p = layout_within_limits(options, path);
  if (overwrites) p.features |= detail::kFeatureOverwrite;
  return p;
}

void create_segment(const BusOptions& options) {
  Preamble p = wanted_layout(options);
  fill_preamble(p);
  create_at(bus_path(options), options, p);
}

std::string create_successor(const BusOptions& options) {
  Preamble p = wanted_layout(options);
  fill_preamble(p);
  const std::string path = name_beside(bus_path(options), p, "retired");
  if (!create_at(path, options, p)) throw Error(EEXIST, "can't create " + path);
  return path;
}

void exchange_names(const std::string& path, const std::string& other) {
  if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, other.c_str(), RENAME_EXCHANGE) != 0)
    throw Error(errno, "can't exchange " + path + " and " + other);
}

std::string name_beside(const std::string& path, const Preamble& preamble, const std::string& suffix) {
  std::string uuid;
  for (int i = 0; i < 4; ++i) {
    constexpr char kHex[] = "0123456789abcdef";
    uuid += kHex[preamble.bus_uuid[i] >> 4];
    uuid += kHex[preamble.bus_uuid[i] & 15];
  }
  return path.substr(0, path.size() - std::strlen(".logbus")) + "." + uuid + "." + suffix;
}

std::string move_aside(const std::string& path, const base::UniqueFd& fd, const Preamble& preamble,
                       const std::string& suffix) {
  if (!fd) return {};
  const std::string target = name_beside(path, preamble, suffix);
  if (::renameat2(AT_FDCWD, path.c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) != 0) {
    if (errno == ENOENT || errno == EEXIST) return {};
    throw Error(errno, "can't move " + path + " aside");
  }
  // Between the look and the rename somebody may have put a new one there.
  if (same_file(target, fd.get())) return target;
  ::renameat2(AT_FDCWD, target.c_str(), AT_FDCWD, path.c_str(), RENAME_NOREPLACE);
  return {};
}

void move_stale(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  Preamble preamble = {};
  if (!fd || ::pread(fd.get(), &preamble, sizeof preamble, 0) != sizeof preamble) return;
  if (preamble.boot_id != base::boot_id()) move_aside(path, fd, preamble, "stale");
}

bool move_damaged(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  struct stat st = {};
  Preamble preamble = {};
  if (!fd || ::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode)) return false;
  if (st.st_size == 0)  // nobody's, and no name of its own to give it
    return ::getrandom(preamble.bus_uuid, sizeof preamble.bus_uuid, 0) == sizeof preamble.bus_uuid &&
           !move_aside(path, fd, preamble, "damaged").empty();
  return ::pread(fd.get(), &preamble, sizeof preamble, 0) == sizeof preamble &&
         preamble.magic == detail::kMagic && static_cast<std::uint64_t>(st.st_size) < preamble.file_size &&
         !move_aside(path, fd, preamble, "damaged").empty();
}

bool remove_bus(const BusOptions& options, bool force) {
  const std::string path = bus_path(options);
  const base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw Error(errno, "can't open bus " + path);
  struct stat st = {};
  Preamble preamble = {};
  if (::fstat(fd.get(), &st) != 0) throw Error(errno, "can't stat " + path);
  if (::pread(fd.get(), &preamble, sizeof preamble, 0) != sizeof preamble)
    throw Error(EBADMSG, path + " is not a logbus segment: too short");
  check_preamble(preamble, static_cast<std::uint64_t>(st.st_size), path);
  // It is written to: under a second name it may be another bus, put here by somebody who may not.
  if (st.st_nlink > 1) throw Error(EPERM, path + " has a second link: not trusted");
  if (!force && base::is_locked(fd.get(), kLeaseLock, 1 + std::int64_t{preamble.slots})) return false;
  {
    const auto region = map_file(fd.get(), boost::interprocess::read_write, preamble.shared_control.offset,
                                 sizeof(SharedControl), path);
    static_cast<SharedControl*>(region.get_address())
        ->attention.fetch_or(detail::kAttentionRetired, std::memory_order_seq_cst);
  }
  const std::string moved = move_aside(path, fd, preamble, "rm");
  if (!moved.empty() && ::unlink(moved.c_str()) != 0) throw Error(errno, "can't remove " + moved);
  return true;
}

}  // namespace logbus::shm
