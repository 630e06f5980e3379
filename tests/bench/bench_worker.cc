// SPDX-License-Identifier: MIT
// An idle worker, and the same program without logbus (BENCH_WITHOUT_LOGBUS): what its memory differs by is
// what logbus costs a process. Says "ready" and waits for the end of its input.
#include <chrono>
#include <iostream>
#include <string>

#ifndef BENCH_WITHOUT_LOGBUS
#include <logbus/logger.h>
#endif

int main() {
#ifndef BENCH_WITHOUT_LOGBUS
  logbus::basic_config({.level = logbus::Level::kInfo, .on_failure = logbus::OnFailure::kThrow});
  const logbus::Logger& logger = logbus::get_logger("bench");
  for (int i = 0; i < 10; ++i) logger.info("Iteration: {} int: {} double: {}", i, 2 * i, i / 2.0);
  if (!logbus::flush(std::chrono::seconds(20))) return 1;
#endif
  std::cout << "ready" << std::endl;
  std::string line;
  while (std::getline(std::cin, line)) {
  }
}
