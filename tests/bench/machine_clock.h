// SPDX-License-Identifier: MIT
// The clock that benchmarks time with, and that floors stamp with: what a new bus on this machine gets.
#pragma once

#include <fstream>
#include <string>

#include <logbus/detail/clock.h>

namespace logbus::bench {

/// As shm/segment_create.cc chooses it.
inline detail::ClockSource machine_clock() {
  std::ifstream file("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  std::string source;
  return file >> source && source == "tsc" ? detail::ClockSource::kTsc : detail::ClockSource::kMonotonicNs;
}

}  // namespace logbus::bench
