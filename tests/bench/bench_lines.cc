// SPDX-License-Identifier: MIT
// One worker process of the end-to-end benchmark; the sidecar of $LOGBUS_BUS writes the file.
//
//   bench_lines RECORDS
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <logbus/logger.h>

#include "lines.h"

int main(int argc, char** argv) {
  const int records = argc == 2 ? std::atoi(argv[1]) : 0;
  if (records <= 0) {
    std::fprintf(stderr, "usage: bench_lines RECORDS\n");
    return 2;
  }
  logbus::basic_config({.level = logbus::Level::kInfo, .on_failure = logbus::OnFailure::kThrow});
  const logbus::Logger& logger = logbus::get_logger("bench");
  return logbus::bench::run_lines(
      records, [&](int i) { logger.info("Iteration: {} int: {} double: {}", i, 2 * i, i / 2.0); },
      [] { return logbus::flush(std::chrono::minutes(2)); });
}
