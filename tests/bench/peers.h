// SPDX-License-Identifier: MIT
// The command line that the peers' programs share, and their bursts.
//
//   peer_X calls PAUSE_US BURSTS      percentiles of a call, as bench_bursts prints them
//   peer_X lines RECORDS FILE         as bench_lines
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "bursts.h"
#include "machine_clock.h"

namespace logbus::bench {

struct PeerCommand {
  double pause_us = 0;
  int number = 0;
  const char* file = nullptr;  // null: calls

  PeerCommand(int argc, char** argv) {
    const std::string_view what = argc == 4 ? argv[1] : "";
    if (what == "calls") pause_us = std::atof(argv[2]), number = std::atoi(argv[3]);
    if (what == "lines") number = std::atoi(argv[2]), file = argv[3];
    if (number > 0) return;
    std::fprintf(stderr, "usage: %s calls PAUSE_US BURSTS | lines RECORDS FILE\n", argv[0]);
    std::exit(2);
  }
};

template <class Call>
void time_bursts(const PeerCommand& command, Call call) {
  const Stopwatch watch(machine_clock());
  Times times;
  for (int i = 0; i < command.number; ++i) {
    watch.pause(command.pause_us);
    times.burst(watch, i % 2 == 1, call);
  }
  std::printf("{");
  times.print("call", "}");
}

}  // namespace logbus::bench
