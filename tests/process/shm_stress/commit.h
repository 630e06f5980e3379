// SPDX-License-Identifier: MIT
// LaneWriter::commit(), or one with its steps in a wrong order: that the scenarios must notice.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstring>

#include <logbus/detail/lane_writer.h>

namespace logbus::stress {

#if !defined(LOGBUS_MUTANT_ORIGIN_AFTER_COMMIT) && !defined(LOGBUS_MUTANT_COMMITTED_BEFORE_DATA) && \
    !defined(LOGBUS_MUTANT_BUSY_AFTER_CLOCK)

inline bool commit(detail::LaneWriter& writer) noexcept {
  return writer.commit();
}

#else

inline bool commit(detail::LaneWriter& w) noexcept {
  using namespace detail;
  constexpr auto relaxed = std::memory_order_relaxed;
  const auto set_busy = [&w] {
    w.line->busy.store(kBusyStamping, relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  };
#ifndef LOGBUS_MUTANT_BUSY_AFTER_CLOCK
  set_busy();
#endif
  w.last_ticks = std::max(read_ticks(w.clock), w.last_ticks + 1);
#ifdef LOGBUS_MUTANT_BUSY_AFTER_CLOCK
  set_busy();
#endif
#ifdef LOGBUS_MUTANT_COMMITTED_BEFORE_DATA
  w.line->committed.store(w.position + w.frame_size, std::memory_order_release);
  std::atomic_signal_fence(std::memory_order_seq_cst);
#endif
  std::memcpy(w.data + (w.position - w.newest) + offsetof(FrameHeader, ticks), &w.last_ticks,
              sizeof w.last_ticks);
  w.position += w.frame_size;
  ++w.records;
  w.line->committed.store(w.position, std::memory_order_release);
#ifdef LOGBUS_MUTANT_ORIGIN_AFTER_COMMIT
  Word64(&origin)[2] = w.line->origin;
  const std::size_t oldest = origin[0].load(relaxed) <= origin[1].load(relaxed) ? 0 : 1;
  if (origin[1 - oldest].load(relaxed) != w.newest) origin[oldest].store(w.newest, relaxed);
#endif
  w.line->busy.store(0, std::memory_order_release);
  w.line->records.store(w.records, relaxed);
  w.nested = 0;
  return w.attention->load(relaxed) != 0;
}

#endif

}  // namespace logbus::stress
