// SPDX-License-Identifier: MIT
// LaneWriter::commit() step by step: a writer that is stopped after its stamp, or, in a mutant, steps in a
// wrong order.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>

#include <logbus/detail/lane_writer.h>

namespace logbus::stress {

/// Waits without giving the processor away: what is tested happens between two of them.
inline void spin(std::uint64_t rounds) {
  for (; rounds > 0; --rounds) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
  }
}

/// `stopped`: how long the writer stays between its stamp and its commit, as when it loses the processor
/// there.
inline bool commit(detail::LaneWriter& w, std::uint64_t stopped) noexcept {
  using namespace detail;
#if !defined(LOGBUS_MUTANT_ORIGIN_AFTER_COMMIT) && !defined(LOGBUS_MUTANT_BUSY_AFTER_CLOCK)
  if (stopped == 0) return w.commit();
#endif
  constexpr auto relaxed = std::memory_order_relaxed;
  const auto set_busy = [&w] {
    w.line->busy.store(kBusyStamping, relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  };
#ifndef LOGBUS_MUTANT_BUSY_AFTER_CLOCK
  set_busy();
#endif
  if (w.fenced != 0) fence_before_clock();
  w.last_ticks = std::max(read_ticks(w.clock), w.last_ticks + 1);
#ifdef LOGBUS_MUTANT_BUSY_AFTER_CLOCK
  spin(stopped);
  set_busy();
#endif
#ifdef LOGBUS_MUTANT_ATTENTION_BEFORE_COMMIT
  const std::uint32_t attention = w.attention->load(relaxed);
#endif
  spin(stopped);
  std::memcpy(w.data + (w.position - w.newest) + offsetof(FrameHeader, ticks), &w.last_ticks,
              sizeof w.last_ticks);
  w.position += w.frame_size;
  ++w.records;
  w.line->committed.store(w.position, std::memory_order_release);
#ifdef LOGBUS_MUTANT_ORIGIN_AFTER_COMMIT
  Word64(&origin)[2] = w.line->origin;
  const std::size_t oldest = origin[0].load(relaxed) <= origin[1].load(relaxed) ? 0 : 1;
  if (origin[1 - oldest].load(relaxed) != w.newest) {
    spin(4);
    origin[oldest].store(w.newest, relaxed);
  }
#endif
  w.line->busy.store(0, std::memory_order_release);
  w.line->records.store(w.records, relaxed);
  w.nested = 0;
  if (w.fenced != 0) std::atomic_thread_fence(std::memory_order_seq_cst);
#ifndef LOGBUS_MUTANT_ATTENTION_BEFORE_COMMIT
  const std::uint32_t attention = w.attention->load(relaxed);
#endif
  return attention != 0;
}

}  // namespace logbus::stress
