// SPDX-License-Identifier: MIT
// A worker in ten lines.
#include <logbus/logger.h>

#include <stdexcept>
#include <string>

namespace {

std::string key() {
  return "user:42";
}
void charge(int order) {
  throw std::runtime_error("card declined for order " + std::to_string(order));
}

}  // namespace

int main() {
  logbus::basic_config({.bus = "orders", .level = logbus::Level::kInfo});
  logbus::Logger& logger = logbus::get_logger("orders.api");
  logger.info("listening on {}", 8080);  // format checked at compile time, text made in the sidecar
  logger.warning("slow query", logbus::kv("ms", 183.2), logbus::kv("sql_id", 42));
  const bool hit = false;
  LOGBUS_DEBUG(logger, "cache {} hit={}", key(), hit);  // arguments not evaluated when disabled
  try {
    charge(42);
  } catch (...) {
    logger.exception("charge failed", logbus::kv("order", 42));
  }
}
