// SPDX-License-Identifier: MIT
// Descriptors that a forked child must not have.
#include "base/uninherited_fd.h"

#include <pthread.h>

#include <atomic>
#include <mutex>

namespace logbus::base {
namespace {

std::mutex forking;
// This thread's: a signal handler over one, or over fork() itself, must not wait for what it has interrupted.
constinit thread_local int inside = 0;

std::atomic<int> uninherited[16];  // descriptor + 1; under `forking`

void enter() noexcept {
  if (inside++ == 0) forking.lock();
}
void leave() noexcept {
  if (--inside == 0) forking.unlock();
}
void close_all_in_child() noexcept {
  for (std::atomic<int>& place : uninherited) {
    // Relaxed, here and below: the mutex orders them; a handler over it finds one or the other.
    if (const int fd = place.exchange(0, std::memory_order_relaxed) - 1; fd >= 0) ::close(fd);
  }
  leave();
}

// Before main: a fork in the middle of a local static's first use would leave the child waiting for it.
[[maybe_unused]] const int registered = ::pthread_atfork(&enter, &leave, &close_all_in_child);

}  // namespace

NoForkMeanwhile::NoForkMeanwhile() noexcept {
  enter();
}

NoForkMeanwhile::~NoForkMeanwhile() {
  leave();
}

UninheritedFd::UninheritedFd(UniqueFd fd, const NoForkMeanwhile&) noexcept : fd_(std::move(fd)) {
  for (std::atomic<int>& place : uninherited) {
    int free = 0;
    if (place.compare_exchange_strong(free, fd_.get() + 1, std::memory_order_relaxed)) return;
  }
}

UninheritedFd& UninheritedFd::operator=(UninheritedFd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = std::move(other.fd_);
  }
  return *this;
}

void UninheritedFd::reset() noexcept {
  if (!fd_) return;
  const NoForkMeanwhile guard;
  for (std::atomic<int>& place : uninherited) {
    int mine = fd_.get() + 1;
    if (place.compare_exchange_strong(mine, 0, std::memory_order_relaxed)) break;
  }
  fd_.reset();
}

}  // namespace logbus::base
