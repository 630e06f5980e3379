// SPDX-License-Identifier: MIT
// Memory that reads as zero in a forked child.
#include "producer/wiped_memory.h"

#include <pthread.h>
#include <sys/mman.h>

#include <atomic>
#include <cstring>

namespace logbus::producer {
namespace {

/// A region that the kernel doesn't wipe. Its list is only ever pushed to.
struct Region {
  void* at;
  std::size_t bytes;
  Region* next;
};
std::atomic<Region*> regions{nullptr};

void wipe_in_child() noexcept {
  for (Region* region = regions.load(std::memory_order_relaxed); region != nullptr; region = region->next)
    std::memset(region->at, 0, region->bytes);
}

bool wipe_by_handler(void* at, std::size_t bytes) noexcept {
  void* const memory =
      ::mmap(nullptr, sizeof(Region), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return false;
  auto* region = new (memory) Region{at, bytes, regions.load(std::memory_order_relaxed)};
  // Release: a fork handler on another thread that finds the region finds it whole.
  while (!regions.compare_exchange_weak(region->next, region, std::memory_order_release,
                                        std::memory_order_relaxed)) {
  }
  static const bool registered = ::pthread_atfork(nullptr, nullptr, &wipe_in_child) == 0;
  return registered;
}

}  // namespace

void* wiped_on_fork(std::size_t bytes) noexcept {
  void* const at = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return nullptr;
  if (::madvise(at, bytes, MADV_WIPEONFORK) == 0 || wipe_by_handler(at, bytes)) return at;
  ::munmap(at, bytes);
  return nullptr;
}

}  // namespace logbus::producer
