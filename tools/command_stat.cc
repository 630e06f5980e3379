// SPDX-License-Identifier: MIT
// Options of `logbus stat`.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "tools/command.h"
#include "tools/stat.h"

namespace logbus::tools {
namespace {

struct StatArguments {
  std::string bus = default_bus();
  std::string format = "text";
  double watch = 0;
  bool per_process = false;
};

void print(const shm::Snapshot& snapshot, const StatArguments& arguments) {
  const BusStatistics statistics = collect_statistics(snapshot);
  const std::string text = arguments.format == "json"
                               ? stat_json(snapshot, statistics, arguments.per_process)
                               : stat_text(snapshot, statistics, arguments.per_process);
  std::fwrite(text.data(), 1, text.size(), stdout);
}

void watch(const StatArguments& arguments, const CommonOptions& common) {
  const bool screen = arguments.format == "text" && ::isatty(STDOUT_FILENO) == 1;
  do {
    if (screen) std::fputs("\x1b[H\x1b[2J", stdout);
    // By name each time: the bus may be replaced meanwhile.
    print(open_bus_or_file(arguments.bus, common), arguments);
    if (!screen && arguments.format == "text") std::fputc('\n', stdout);
    if (std::fflush(stdout) != 0) return;
    std::this_thread::sleep_for(std::chrono::duration<double>(arguments.watch));
  } while (true);
}

}  // namespace

Command add_stat(CLI::App& program, const CommonOptions& common) {
  CLI::App& command =
      *program.add_subcommand("stat", "Counts: records, lag, drops, memory, workers, handlers.");
  auto arguments = std::make_shared<StatArguments>();
  command.add_option("bus,--bus", arguments->bus, "the bus, or a file")->type_name("BUS|FILE");
  command.add_option("--format", arguments->format, "text or json (one object)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json"}));
  command.add_option("--watch", arguments->watch, "again every so many seconds, until ^C")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.05, 86400.0));
  command.add_flag("--per-process", arguments->per_process, "all workers [text: at most 32; json: none]");
  const auto run = [arguments, &common] {
    if (arguments->watch != 0)
      watch(*arguments, common);
    else
      print(open_bus_or_file(arguments->bus, common), *arguments);
    return 0;
  };
  return {&command, run};
}

}  // namespace logbus::tools
