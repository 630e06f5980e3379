// SPDX-License-Identifier: MIT
// What every program of the end-to-end benchmark prints: when its first call was made, when its last line was
// in the file (ns of CLOCK_MONOTONIC), and the processor time between the two.
#pragma once

#include <cstdint>
#include <cstdio>
#include <ctime>

#include <sys/resource.h>

#include <logbus/detail/clock.h>

namespace logbus::bench {

/// Of this process and of the children it has waited for.
inline std::uint64_t cpu_ns() {
  rusage children{};
  ::getrusage(RUSAGE_CHILDREN, &children);
  const auto ns = [](const timeval& t) {
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 +
           static_cast<std::uint64_t>(t.tv_usec) * 1000;
  };
  return detail::clock_ns(CLOCK_PROCESS_CPUTIME_ID) + ns(children.ru_utime) + ns(children.ru_stime);
}

/// Everything has been set up and nothing has been logged; `finish` returns when all lines are in the file.
template <class Log, class Finish>
int run_lines(int records, Log log, Finish finish) {
  const std::uint64_t cpu = cpu_ns();
  const std::uint64_t begin = detail::clock_ns(CLOCK_MONOTONIC);
  for (int i = 0; i < records; ++i) log(i);
  const bool good = finish();
  const std::uint64_t end = detail::clock_ns(CLOCK_MONOTONIC);
  const auto number = [](std::uint64_t n) { return static_cast<unsigned long long>(n); };
  std::printf("{\"begin\": %llu, \"end\": %llu, \"cpu_ns\": %llu}\n", number(begin), number(end),
              number(cpu_ns() - cpu));
  return good ? 0 : 1;
}

}  // namespace logbus::bench
