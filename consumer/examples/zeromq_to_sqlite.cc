// SPDX-License-Identifier: MIT
// Workers and a listener of one's own, without a bus and a sidecar: records over ZeroMQ into an SQLite
// database.
//
//   zeromq_to_sqlite listen tcp://127.0.0.1:5556 records.db     until its stdin ends
//   zeromq_to_sqlite work tcp://127.0.0.1:5556 NAME COUNT
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <logbus/logger.h>

#include "sqlite_handler.h"
#include "zeromq_handler.h"

namespace {

int listen(const std::string& uri, const std::string& file) {
  const auto database = std::make_shared<SQLiteHandler>(file);
  ZeroMQSocketListener listener(uri, {database});
  listener.start();
  while (std::getchar() != EOF) {
  }
  listener.stop();
  database->close();
  std::printf("%llu records written\n", static_cast<unsigned long long>(database->counters().records.load()));
  return 0;
}

int work(const std::string& uri, const std::string& name, int count) {
  const auto publisher = std::make_shared<ZeroMQPublisher>(uri);
  if (!publisher->wait_for_subscriber(std::chrono::seconds(10))) {
    std::fprintf(stderr, "nobody listens at %s\n", uri.c_str());
    return 1;
  }
  const auto handler = std::make_shared<ZeroMQSocketHandler>(publisher);
  logbus::get_logger().add_handler(handler);
  logbus::get_logger().set_level(logbus::Level::kInfo);
  logbus::Logger& logger = logbus::get_logger("shop." + name);
  for (int order = 0; order < count; ++order) logger.info("order {} paid: {:.2f} EUR", order, order * 0.25);
  try {
    throw std::runtime_error("card declined");
  } catch (...) {
    logger.exception("order failed");
  }
  handler->close();
  std::printf("%llu records lost\n", static_cast<unsigned long long>(handler->counters().dropped.load()));
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 4 && std::string_view(argv[1]) == "listen") return listen(argv[2], argv[3]);
  if (argc == 5 && std::string_view(argv[1]) == "work") return work(argv[2], argv[3], std::atoi(argv[4]));
  std::fprintf(stderr, "usage: %s listen URI FILE | work URI NAME COUNT\n", argv[0]);
  return 2;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
