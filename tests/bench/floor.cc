// SPDX-License-Identifier: MIT
#include "floor.h"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

#include <logbus/detail/layout.h>

namespace logbus::bench {

detail::ClockSource bus_clock() {
  const char* directory = std::getenv("LOGBUS_DIR");
  const char* bus = std::getenv("LOGBUS_BUS");
  const std::string path =
      std::string(directory ? directory : "/dev/shm") + "/" + (bus ? bus : "default") + ".logbus";
  detail::Preamble preamble{};
  if (!std::ifstream(path, std::ios::binary).read(reinterpret_cast<char*>(&preamble), sizeof preamble)) {
    std::fprintf(stderr, "no bus at %s: start logbusd first\n", path.c_str());
    std::exit(1);
  }
  return preamble.clock_source;
}

double ns_per_tick(detail::ClockSource clock) {
  const std::uint64_t ns = detail::clock_ns(CLOCK_MONOTONIC_RAW);
  const std::uint64_t ticks = detail::read_ticks(clock);
  std::uint64_t later = ns;
  while (later < ns + 50'000'000) later = detail::clock_ns(CLOCK_MONOTONIC_RAW);
  return static_cast<double>(later - ns) / static_cast<double>(detail::read_ticks(clock) - ticks);
}

}  // namespace logbus::bench
