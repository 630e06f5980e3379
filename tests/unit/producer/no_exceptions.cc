// SPDX-License-Identifier: MIT
// A program's file that is compiled without exceptions and RTTI.
#include <string>
#include <vector>

#include <logbus/logger.h>

void log_without_exceptions() {
  logbus::Logger& logger = logbus::get_logger("no_exceptions");
  const logbus::ScopedContext context(logbus::kv("request", 1));
  logger.info("{} {}", 1, std::string("two"), logbus::kv("three", std::vector<int>{3}));
  logger.bind(logbus::kv("four", 4)).exception("{}", logbus::lazy([] { return 5; }));
  LOGBUS_INFO(logger, "{:.1f}", 2.25);
}
