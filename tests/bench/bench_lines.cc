// SPDX-License-Identifier: MIT
// One worker process of the end-to-end benchmark: the same lines to a file through logbus or through spdlog's
// asynchronous file logger. Prints the times of its first call and of its last line being in the file, in ns
// of CLOCK_MONOTONIC.
//
//   bench_lines logbus RECORDS            the sidecar of $LOGBUS_BUS writes the file
//   bench_lines spdlog RECORDS FILE
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <string_view>

#ifdef LOGBUS_BENCH_SPDLOG
#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#endif

#include <logbus/detail/clock.h>
#include <logbus/logger.h>

namespace {

std::uint64_t now_ns() {
  return logbus::detail::clock_ns(CLOCK_MONOTONIC);
}

/// Both have been set up and have logged nothing; `finish` returns when all lines are in the file.
template <class Log, class Finish>
int run(int records, Log log, Finish finish) {
  const std::uint64_t begin = now_ns();
  for (int i = 0; i < records; ++i) log(i);
  const std::uint64_t called = now_ns();
  const bool good = finish();
  const std::uint64_t end = now_ns();
  std::printf("{\"begin\": %llu, \"called\": %llu, \"end\": %llu}\n", static_cast<unsigned long long>(begin),
              static_cast<unsigned long long>(called), static_cast<unsigned long long>(end));
  return good ? 0 : 1;
}

int run_logbus(int records) {
  logbus::basic_config({.level = logbus::Level::kInfo, .on_failure = logbus::OnFailure::kThrow});
  const logbus::Logger& logger = logbus::get_logger("bench");
  return run(
      records, [&](int i) { logger.info("Iteration: {} int: {} double: {}", i, 2 * i, i / 2.0); },
      [] { return logbus::flush(std::chrono::minutes(2)); });
}

#ifdef LOGBUS_BENCH_SPDLOG
int run_spdlog(int records, const char* file) {
  // spdlog's defaults: a queue of 8192, one thread, the caller waits when the queue is full.
  auto logger = spdlog::basic_logger_mt<spdlog::async_factory>("bench", file);
  // asctime, process, name, levelname, message
  logger->set_pattern("%Y-%m-%d %H:%M:%S,%e %P %n %l %v");
  return run(
      records, [&](int i) { logger->info("Iteration: {} int: {} double: {}", i, 2 * i, i / 2.0); },
      [&] {
        logger.reset();
        spdlog::shutdown();  // handles the queue, closes the file
        return true;
      });
}
#endif

}  // namespace

int main(int argc, char** argv) {
  const std::string_view which = argc > 2 ? argv[1] : "";
  const int records = argc > 2 ? std::atoi(argv[2]) : 0;
  if (which == "logbus" && records > 0) return run_logbus(records);
#ifdef LOGBUS_BENCH_SPDLOG
  if (which == "spdlog" && records > 0 && argc == 4) return run_spdlog(records, argv[3]);
#endif
  std::fprintf(stderr, "usage: bench_lines logbus RECORDS | spdlog RECORDS FILE\n");
  return 2;
}
