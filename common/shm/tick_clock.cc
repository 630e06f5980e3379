// SPDX-License-Identifier: MIT
// The rate comes from the two readings furthest apart, the offset from one near by.
#include "shm/tick_clock.h"

#include <algorithm>
#include <cmath>

#include <logbus/detail/clock.h>
#include "base/process_identity.h"

namespace logbus::shm {
namespace {

using namespace detail;

// Readings closer than this give a worse rate than the creator's own calibration over a millisecond.
constexpr std::uint64_t kMinSpanNs = 5'000'000;
// A rate further off the calibration than this comes from a clock that was set, or from damage.
constexpr double kMaxRateError = 0.01;
// What a new reading may correct without times running backwards: reading noise and drift, not a clock that
// was set.
constexpr std::int64_t kMaxSmoothNs = 1'000'000;

/// The narrowest of three: a thread preempted between its clock reads would give a wrong pair.
ClockReading read_clocks(ClockSource source) noexcept {
  ClockReading best;
  std::uint64_t best_width = ~std::uint64_t{0};
  for (int attempt = 0; attempt < 3; ++attempt) {
    const std::uint64_t before = read_ticks(source);
    const std::uint64_t realtime = clock_ns(CLOCK_REALTIME);
    const std::uint64_t monotonic = clock_ns(CLOCK_MONOTONIC);
    const std::uint64_t width = read_ticks(source) - before;
    if (width >= best_width) continue;
    best_width = width;
    best = {before + width / 2, realtime, monotonic};
  }
  return best;
}

}  // namespace

TickClock::TickClock(const Preamble& preamble) : TickClock(preamble, preamble.boot_id == base::boot_id()) {}

TickClock::TickClock(const Preamble& preamble, bool of_this_boot)
    : source_(preamble.clock_source),
      of_this_boot_(of_this_boot),
      guess_ns_per_tick_(source_ == ClockSource::kMonotonicNs || preamble.ticks_per_second_guess == 0
                             ? 1.0
                             : 1e9 / static_cast<double>(preamble.ticks_per_second_guess)),
      ns_per_tick_(guess_ns_per_tick_),
      created_{preamble.created_ticks, preamble.created_realtime_ns, preamble.created_monotonic_ns},
      readings_{created_} {
  refresh();
}

void TickClock::set_rate(const ClockReading& from, const ClockReading& to) noexcept {
  if (source_ == ClockSource::kMonotonicNs || to.ticks <= from.ticks) return;
  // The monotonic clock where both have it: it is never set.
  const bool monotonic = from.monotonic_ns != 0 && to.monotonic_ns != 0;
  const std::uint64_t begin = monotonic ? from.monotonic_ns : from.realtime_ns;
  const std::uint64_t end = monotonic ? to.monotonic_ns : to.realtime_ns;
  if (end < begin + kMinSpanNs) return;
  const double rate = static_cast<double>(end - begin) / static_cast<double>(to.ticks - from.ticks);
  if (std::abs(rate - guess_ns_per_tick_) <= kMaxRateError * guess_ns_per_tick_) ns_per_tick_ = rate;
}

void TickClock::add(const ClockReading& reading) {
  if (of_this_boot_ || reading.ticks < created_.ticks || reading.realtime_ns == 0) return;
  const auto later = [](const ClockReading& a, const ClockReading& b) { return a.ticks < b.ticks; };
  readings_.insert(std::upper_bound(readings_.begin(), readings_.end(), reading, later), reading);
  set_rate(readings_.front(), readings_.back());
}

void TickClock::refresh() noexcept {
  if (!of_this_boot_) return;
  readings_.front() = read_clocks(source_);
  set_rate(created_, readings_.front());
}

const ClockReading& TickClock::nearest(std::uint64_t ticks) const noexcept {
  const auto later = [](const ClockReading& a, std::uint64_t b) { return a.ticks < b; };
  const auto above = std::lower_bound(readings_.begin(), readings_.end(), ticks, later);
  if (above == readings_.begin()) return *above;
  const auto below = above - 1;
  return above == readings_.end() || ticks - below->ticks <= above->ticks - ticks ? *below : *above;
}

std::int64_t TickClock::to_ns(std::uint64_t ticks) noexcept {
  const ClockReading& anchor = readings_.size() == 1 ? readings_.front() : nearest(ticks);
  const auto distance = static_cast<double>(static_cast<std::int64_t>(ticks - anchor.ticks)) * ns_per_tick_;
  // A stamp of damaged bytes may lie anywhere; the conversion must not.
  constexpr double kFar = 4e18;
  auto ns = static_cast<std::int64_t>(
      static_cast<std::uint64_t>(anchor.realtime_ns) +
      static_cast<std::uint64_t>(static_cast<std::int64_t>(std::clamp(distance, -kFar, kFar))));
  if (ticks >= last_ticks_ && ns < last_ns_ && last_ns_ - ns < kMaxSmoothNs) ns = last_ns_;
  last_ticks_ = ticks;
  last_ns_ = ns;
  return ns;
}

}  // namespace logbus::shm
