// SPDX-License-Identifier: MIT
// The SIGBUS handler. Only calls that are safe in one: mmap, sigaction, getpid, raise.
#include "shm/sigbus_guard.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace logbus::shm {
namespace {

struct Guarded {
  std::atomic<pid_t> owner;  // 0: free. Another process's, from before a fork, is as good as free
  std::atomic<std::uintptr_t> begin[SigbusGuard::kRanges];
  std::atomic<std::size_t> size[SigbusGuard::kRanges];
  std::atomic<int> protection[SigbusGuard::kRanges];
  std::atomic<detail::Word32*> attention;
  std::atomic<bool> hit;
};
// More than any process has at once; who finds no place is not guarded.
constexpr std::size_t kMost = 64;
constexpr pid_t kBeingFilled = -1;
std::array<Guarded, kMost> guarded;
std::atomic<std::uintptr_t> page_size{4096};

struct Lane {
  std::uintptr_t begin;
  std::size_t size;
  detail::Word32* attention;
  pid_t owner;
};
constinit thread_local Lane own_lane __attribute__((tls_model("initial-exec"))) = {};

/// A page of zeros where `at` lies.
bool cover(std::uintptr_t at, int protection) noexcept {
  const std::uintptr_t page = page_size.load(std::memory_order_relaxed);
  void* const begin = reinterpret_cast<void*>(at & ~(page - 1));
  return ::mmap(begin, page, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

/// Tells all who have the segment, and us. The word may be gone as well: then this faults once more, and sets
/// the bit in the page of zeros that it gets, for this process alone.
void tell(detail::Word32* attention) noexcept {
  for (Guarded& entry : guarded)
    if (entry.attention.load(std::memory_order_relaxed) == attention)
      entry.hit.store(true, std::memory_order_relaxed);
  attention->fetch_or(detail::kAttentionRetired, std::memory_order_seq_cst);
}

bool handle(std::uintptr_t at) noexcept {
  const pid_t self = ::getpid();
  const Lane lane = own_lane;
  if (lane.owner == self && at - lane.begin < lane.size) {
    if (!cover(at, PROT_READ | PROT_WRITE)) return false;
    tell(lane.attention);
    return true;
  }
  for (Guarded& entry : guarded) {
    if (entry.owner.load(std::memory_order_acquire) != self) continue;
    for (std::size_t i = 0; i < SigbusGuard::kRanges; ++i) {
      if (at - entry.begin[i].load(std::memory_order_relaxed) >=
          entry.size[i].load(std::memory_order_relaxed))
        continue;
      if (!cover(at, entry.protection[i].load(std::memory_order_relaxed))) return false;
      tell(entry.attention.load(std::memory_order_relaxed));
      return true;
    }
  }
  return false;
}

void on_sigbus(int number, siginfo_t* info, void*) {
  const int error = errno;
  const bool is_fault = info->si_code > 0;  // not somebody's kill()
  if (is_fault && handle(reinterpret_cast<std::uintptr_t>(info->si_addr))) {
    errno = error;
    return;
  }
  struct sigaction fall_back = {};
  fall_back.sa_handler = SIG_DFL;
  ::sigaction(number, &fall_back, nullptr);
  if (!is_fault) ::raise(number);  // a fault comes again by itself
  errno = error;
}

/// False: the process handles it itself.
bool install(bool owns_signals) noexcept {
  struct sigaction now = {};
  if (::sigaction(SIGBUS, nullptr, &now) != 0) return false;
  const bool ours = (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_sigbus;
  if (ours) return true;
  const bool is_default = (now.sa_flags & SA_SIGINFO) == 0 && now.sa_handler == SIG_DFL;
  if (!is_default && !owns_signals) return false;
  page_size.store(static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE)), std::memory_order_relaxed);
  struct sigaction action = {};
  action.sa_sigaction = on_sigbus;
  // The handler may fault where it sets RETIRED. On the thread's own stack it needs little.
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK | SA_RESTART;
  return ::sigaction(SIGBUS, &action, nullptr) == 0;
}

}  // namespace

SigbusGuard::SigbusGuard(const Range (&ranges)[kRanges], detail::Word32& attention,
                         bool owns_signals) noexcept {
  if (!install(owns_signals)) return;
  const pid_t self = ::getpid();
  for (std::size_t i = 0; i < kMost; ++i) {
    Guarded& entry = guarded[i];
    pid_t owner = entry.owner.load(std::memory_order_relaxed);
    if (owner == self || owner == kBeingFilled ||
        !entry.owner.compare_exchange_strong(owner, kBeingFilled, std::memory_order_acq_rel))
      continue;
    for (std::size_t r = 0; r < kRanges; ++r) {
      entry.begin[r].store(reinterpret_cast<std::uintptr_t>(ranges[r].begin), std::memory_order_relaxed);
      entry.size[r].store(ranges[r].size, std::memory_order_relaxed);
      entry.protection[r].store(ranges[r].protection, std::memory_order_relaxed);
    }
    entry.attention.store(&attention, std::memory_order_relaxed);
    entry.hit.store(false, std::memory_order_relaxed);
    // Release: a handler that finds the owner finds the rest.
    entry.owner.store(self, std::memory_order_release);
    entry_ = static_cast<int>(i);
    return;
  }
}

SigbusGuard::~SigbusGuard() {
  if (entry_ < 0) return;
  guarded[static_cast<std::size_t>(entry_)].attention.store(nullptr, std::memory_order_relaxed);
  guarded[static_cast<std::size_t>(entry_)].owner.store(0, std::memory_order_release);
}

SigbusGuard::SigbusGuard(SigbusGuard&& other) noexcept : entry_(std::exchange(other.entry_, -1)) {}

SigbusGuard& SigbusGuard::operator=(SigbusGuard&& other) noexcept {
  std::swap(entry_, other.entry_);
  return *this;
}

bool SigbusGuard::hit() const noexcept {
  return entry_ >= 0 && guarded[static_cast<std::size_t>(entry_)].hit.load(std::memory_order_relaxed);
}

void SigbusGuard::guard_lane(const void* begin, std::size_t size, detail::Word32* attention) noexcept {
  own_lane.size = 0;  // not found while it changes
  std::atomic_signal_fence(std::memory_order_seq_cst);
  own_lane.begin = reinterpret_cast<std::uintptr_t>(begin);
  own_lane.attention = attention;
  own_lane.owner = ::getpid();
  std::atomic_signal_fence(std::memory_order_seq_cst);
  own_lane.size = size;
}

}  // namespace logbus::shm
