// SPDX-License-Identifier: MIT
// Preloaded into logbusd: LOGBUS_DIE_AT=n kills it at the n-th moment before, in the middle of, or after a
// write to a file, or before or after a rename; LOGBUS_DIE_BEHIND=path kills it behind the rename of that.
// Random moments hardly ever fall between two of these.
#include <dlfcn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

std::atomic<long> moments{[] {
  const char* const text = std::getenv("LOGBUS_DIE_AT");
  return text == nullptr ? 0 : std::atol(text);
}()};

void pass_moment() {
  if (moments.fetch_sub(1) == 1) ::kill(::getpid(), SIGKILL);
}

template <typename Function>
Function* next(const char* name) {
  return reinterpret_cast<Function*>(::dlsym(RTLD_NEXT, name));
}

bool is_file(int descriptor) {
  struct stat status {};
  return descriptor > STDERR_FILENO && ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode);
}

}  // namespace

#pragma GCC visibility push(default)

extern "C" ssize_t write(int descriptor, const void* bytes, std::size_t size) {
  static auto* const real = next<ssize_t(int, const void*, std::size_t)>("write");
  if (size < 2 || !is_file(descriptor)) return real(descriptor, bytes, size);
  pass_moment();
  const ssize_t half = real(descriptor, bytes, size / 2);
  if (half < 0) return half;
  pass_moment();
  const std::size_t done = static_cast<std::size_t>(half);
  const ssize_t rest = real(descriptor, static_cast<const char*>(bytes) + done, size - done);
  if (rest < 0) return half;
  pass_moment();
  return half + rest;
}

extern "C" int rename(const char* from, const char* to) noexcept {
  static auto* const real = next<int(const char*, const char*)>("rename");
  static const char* const last = std::getenv("LOGBUS_DIE_BEHIND");
  pass_moment();
  const int result = real(from, to);
  const int error = errno;
  pass_moment();
  if (last != nullptr && std::strcmp(from, last) == 0) ::kill(::getpid(), SIGKILL);
  errno = error;
  return result;
}

#pragma GCC visibility pop
