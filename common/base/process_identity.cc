// SPDX-License-Identifier: MIT
// Reads /proc/self.
#include "base/process_identity.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <charconv>

#include "base/unique_fd.h"

namespace logbus::base {
namespace {

std::string read_small_file(const char* path) {
  const UniqueFd fd(::open(path, O_RDONLY | O_CLOEXEC));
  std::string text(4096, '\0');
  const ssize_t n = fd ? ::read(fd.get(), text.data(), text.size()) : 0;
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

/// Field 22 of /proc/self/stat; the second field may hold spaces and parentheses.
std::uint64_t start_time() {
  const std::string stat = read_small_file("/proc/self/stat");
  std::size_t at = stat.rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
  std::uint64_t value = 0;
  if (at != std::string::npos) std::from_chars(stat.data() + at + 1, stat.data() + stat.size(), value);
  return value;
}

}  // namespace

ProcessIdentity process_identity() {
  ProcessIdentity id;
  id.pid = ::getpid();
  id.uid = ::getuid();
  id.start_time = start_time();
  struct stat ns;
  if (::stat("/proc/self/ns/pid", &ns) == 0) id.pid_namespace = ns.st_ino;
  char path[4096];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  if (n > 0) id.executable.assign(path, static_cast<std::size_t>(n));
  return id;
}

std::string boot_id() {
  std::string id = read_small_file("/proc/sys/kernel/random/boot_id");
  while (!id.empty() && id.back() == '\n') id.pop_back();
  return id;
}

std::uint32_t thread_id() noexcept {
  return static_cast<std::uint32_t>(::syscall(SYS_gettid));
}

std::string thread_name() {
  char name[16] = {};
  ::pthread_getname_np(::pthread_self(), name, sizeof name);
  return name;
}

}  // namespace logbus::base
