// SPDX-License-Identifier: MIT
// Options of `logbus emit`.
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include <fmt/format.h>

#include <logbus/error.h>
#include "tools/command.h"
#include "tools/command_line.h"
#include "tools/emit.h"
#include "tools/record_filter.h"
#include "tools/time_text.h"

namespace logbus::tools {
namespace {

struct EmitArguments {
  std::string bus = default_bus();
  std::string file;
  std::string level, timeout;
  EmitOptions options;
};

std::string check_duration(const std::string& text) {
  return parse_duration(text) ? "" : "\"" + text + "\" is not a duration: \"500 ms\", 10s";
}

std::string process_name() {
  const char* name = std::getenv("LOGBUS_PROCESS_NAME");
  return name != nullptr ? name : "";
}

int run(const EmitArguments& arguments, const CommonOptions& common) {
  std::ifstream file;
  if (!arguments.file.empty() && arguments.file != "-") {
    file.open(arguments.file, std::ios::binary);
    if (!file) throw Error(errno, "can't open " + arguments.file);
  }
  BusFeed feed(bus_options(arguments.bus, common), process_name());
  std::ios::sync_with_stdio(false);
  const EmitResult result = emit(file.is_open() ? file : std::cin, arguments.options, feed, stderr);
  if (result.bad == 0 && result.complete) return 0;
  if (!common.quiet)
    std::fputs(fmt::format("logbus emit: {} lines committed, {} bad{}\n", result.committed, result.bad,
                           result.complete ? "" : ", the rest not tried")
                   .c_str(),
               stderr);
  return kExitFailure;
}

}  // namespace

Command add_emit(CLI::App& program, const CommonOptions& common) {
  CLI::App& command =
      *program.add_subcommand("emit", "Puts a record a line onto a bus, from FILE or standard input.");
  auto arguments = std::make_shared<EmitArguments>();
  EmitOptions& options = arguments->options;
  command.add_option("FILE", arguments->file, "lines; - or none: standard input")->type_name("");
  command.add_option("--bus", arguments->bus, "the bus")->type_name("BUS")->check(check_bus_name);
  command.add_option("--name", options.name, "the logger [root]")->type_name("LOGGER");
  command.add_option("--level", arguments->level, "the level [INFO]")->type_name("LEVEL")->check(check_level);
  command.add_flag("--json", options.json,
                   "a line is an object with LogRecord's attributes, as for logging.makeLogRecord()");
  command
      .add_option("--timeout", arguments->timeout,
                  "how long one line may wait for room [as long as a sidecar lives]")
      ->type_name("DUR")
      ->check(check_duration);
  return {&command, [arguments, &common] {
            if (!arguments->level.empty()) arguments->options.level = *parse_level(arguments->level);
            if (!arguments->timeout.empty())
              arguments->options.timeout = std::chrono::nanoseconds(*parse_duration(arguments->timeout));
            return run(*arguments, common);
          }};
}

}  // namespace logbus::tools
