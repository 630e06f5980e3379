// SPDX-License-Identifier: MIT
// The doorbell (FORMAT.md, "Doorbell").
#include "shm/doorbell.h"

#include <algorithm>
#include <bit>
#include <limits>

#include "base/kernel.h"

namespace logbus::shm {

using namespace detail;

namespace {
// Nobody can ring a reader whose SLEEPING bit a worker may not see: it looks by itself.
constexpr std::chrono::milliseconds kPollInterval{1};
}  // namespace

void ring(SharedControl& shared) noexcept {
  if ((shared.attention.load(std::memory_order_relaxed) & kAttentionSleeping) == 0) return;
  // Acq_rel: one of many workers takes the bit and makes the one call.
  if ((shared.attention.fetch_and(~kAttentionSleeping, std::memory_order_acq_rel) & kAttentionSleeping) != 0)
    base::futex_wake(&shared.attention, 1);
}

Doorbell::Doorbell(const Segment& segment)
    : segment_(segment),
      has_membarrier_(barrier_now()),
      woken_at_(segment.lanes(), std::numeric_limits<std::uint64_t>::max()) {}

bool Doorbell::barrier_now() noexcept {
#ifdef LOGBUS_MUTANT_NO_MEMBARRIER
  return true;
#else
  return base::membarrier_global();
#endif
}

void Doorbell::wake_blocked() noexcept {
  // Between our store of `read` and the look at the bits; pairs with the writer's fetch_or before its look at
  // `read`.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const auto bitmap = segment_.blocked_bitmap();
  for (std::size_t word = 0; word < bitmap.size(); ++word) {
    // Acquire: pairs with the writer's fetch_or. The bit is the writer's: the reader never clears a living
    // one's.
    for (std::uint64_t bits = bitmap[word].load(std::memory_order_acquire); bits != 0; bits &= bits - 1) {
      const auto lane =
          static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
      if (lane >= segment_.lanes()) break;
      const Word64& read = segment_.consumer_line(lane).read;
      const std::uint64_t now = read.load(std::memory_order_relaxed);  // our own store
      if (now == woken_at_[lane]) continue;
      woken_at_[lane] = now;
#ifdef LOGBUS_MUTANT_READER_CLEARS_BLOCKED
      bitmap[word].fetch_and(~(std::uint64_t{1} << (lane % 64)), std::memory_order_acq_rel);
#endif
      base::futex_wake(&read, 1);
    }
  }
}

void Doorbell::announce_sleep() noexcept {
  segment_.shared().attention.fetch_or(kAttentionSleeping, std::memory_order_seq_cst);
}

void Doorbell::stay_awake() noexcept {
  segment_.shared().attention.fetch_and(~kAttentionSleeping, std::memory_order_acq_rel);
}

void Doorbell::sleep(std::chrono::nanoseconds timeout) noexcept {
  Word32& attention = segment_.shared().attention;
  // Relaxed: the kernel compares it again.
  const std::uint32_t value = attention.load(std::memory_order_relaxed);
  if ((value & kAttentionSleeping) == 0) return;  // somebody has rung
  base::futex_wait(&attention, value,
                   passed_ ? timeout : std::min<std::chrono::nanoseconds>(timeout, kPollInterval));
  stay_awake();
}

void Doorbell::interrupt() noexcept {
  stay_awake();
  base::futex_wake(&segment_.shared().attention, 1);
}

}  // namespace logbus::shm
