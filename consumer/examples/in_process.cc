// SPDX-License-Identifier: MIT
// A program of several threads that logs to rotating files by itself: no bus and no sidecar. What a call
// costs is a copy into a queue; formatting, writing and rotating are the listener's thread's.
#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <logbus/log_queue.h>
#include <logbus/logger.h>
#include <logbus/queue_handler.h>
#include <logbus/queue_listener.h>
#include <logbus/rotating_file_handler.h>

int main(int argc, char** argv) {
  const auto queue = std::make_shared<logbus::LogQueue>(8192);
  // A full queue makes a call wait, but not for ever.
  const auto to_queue = std::make_shared<logbus::QueueHandler>(queue, logbus::QueueHandler::Prepare::kLogbus,
                                                               std::chrono::seconds(10));
  logbus::get_logger().add_handler(to_queue);
  logbus::get_logger().set_level(logbus::Level::kInfo);

  logbus::FileOptions options;
  options.filename = argc > 1 ? argv[1] : "in_process.log";
  const auto file = std::make_shared<logbus::RotatingFileHandler>(options, 100'000, 100);
  logbus::FormatterOptions line;
  line.format = "%(asctime)s %(levelname)-7s %(threadName)s %(name)s: %(message)s";
  file->set_formatter(std::make_shared<const logbus::Formatter>(line));

  logbus::QueueListener listener(*queue, {file});
  listener.start();
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([thread] {
      logbus::set_thread_name("worker-" + std::to_string(thread));
      logbus::Logger& logger = logbus::get_logger("shop.orders");
      for (int order = 0; order < 2500; ++order)
        logger.info("order {} paid: {:.2f} EUR", order, order * 0.25);
      try {
        throw std::runtime_error("card declined");
      } catch (...) {
        logger.exception("order failed");
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  listener.stop();  // what is queued is written first
  std::printf("%llu records written, %llu lost\n",
              static_cast<unsigned long long>(file->counters().records.load()),
              static_cast<unsigned long long>(to_queue->counters().dropped.load()));
}
