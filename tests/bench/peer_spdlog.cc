// SPDX-License-Identifier: MIT
// Peer: spdlog's asynchronous file logger, within one process. Its defaults: a queue of 8192, one thread, the
// caller waits when the queue is full.
#include <spdlog/async.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>

#include "lines.h"
#include "peers.h"

int main(int argc, char** argv) {
  const logbus::bench::PeerCommand command(argc, argv);
  auto logger =
      spdlog::basic_logger_mt<spdlog::async_factory>("bench", command.file ? command.file : "/dev/null");
  // asctime, process, name, levelname, message
  logger->set_pattern("%Y-%m-%d %H:%M:%S,%e %P %n %l %v");
  if (!command.file) {
    logbus::bench::time_bursts(command, [&](int i) { logger->info("a {} b {} c {}", i, 2 * i, i / 2.0); });
    return 0;
  }
  return logbus::bench::run_lines(
      command.number, [&](int i) { logger->info("Iteration: {} int: {} double: {}", i, 2 * i, i / 2.0); },
      [&] {
        logger.reset();
        spdlog::shutdown();  // handles the queue, closes the file
        return true;
      });
}
