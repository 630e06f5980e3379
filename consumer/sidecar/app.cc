// SPDX-License-Identifier: MIT
#include "sidecar/app.h"

#include <sysexits.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <logbus/error.h>

#include "record/escaped_text.h"
#include "sidecar/config.h"
#include "sidecar/own_log.h"
#include "sidecar/service.h"

namespace logbus::sidecar {
namespace {

constexpr int kUsage = 2;

struct Arguments {
  std::string config;
  std::string bus;
  std::string directory;
  std::string timeout;
  bool drain = false;
  bool takeover = false;
  bool check = false;
};

// The exit code if there is nothing more to do.
std::optional<int> parse(int argc, const char* const* argv, Arguments& arguments) {
  CLI::App app("Drains the bus of a fleet of workers into the handlers of a logging configuration.",
               "logbusd");
  app.footer(
      "Ends with 0 when it was told to, or with --drain when nothing is left; 2 if the command line is "
      "wrong,\n"
      "78 if the configuration is; 75 if another sidecar has the bus, or has got it: start it again later;\n"
      "1 for anything else.");
  app.set_version_flag("--version", "logbusd " LOGBUS_VERSION);
  app.add_option("--config", arguments.config, "configuration: Python's dictConfig schema in YAML")
      ->required();
  const auto bus_name = [](const std::string& name) {
    return is_bus_name(name) ? std::string()
                             : "not a bus's name: " + in_quotes(name) + " (1 to 64 of A-Z a-z 0-9 _ . -)";
  };
  app.add_option("--bus", arguments.bus, "the bus; before the file's, $LOGBUS_BUS and 'default'")
      ->check(CLI::Validator(bus_name, "NAME"));
  app.add_option("--directory", arguments.directory,
                 "where it is; before the file's, $LOGBUS_DIR and /dev/shm");
  app.add_flag("--drain", arguments.drain, "end once the bus is empty and no worker is attached");
  app.add_flag("--takeover", arguments.takeover,
               "if another sidecar has the bus: ask it to finish and to let go, and wait until it has");
  const auto duration = [](const std::string& text) {
    return parse_duration(text) ? std::string()
                                : "not a duration: " + in_quotes(text) + " (such as '10 s' or '500 ms')";
  };
  app.add_option("--timeout", arguments.timeout,
                 "with --drain or --takeover: give up after this time, such as '10 s'")
      ->check(CLI::Validator(duration, "DURATION"));
  app.add_flag("--check", arguments.check, "check the configuration, say what may surprise, and end");
  try {
    app.parse(argc, argv);
    if (!arguments.timeout.empty() && !arguments.drain && !arguments.takeover)
      throw CLI::RequiresError("--timeout", "--drain or --takeover");
  } catch (const CLI::ParseError& error) {
    std::ostringstream text;
    if (app.exit(error, std::cout, text) == 0) return 0;
    std::istringstream lines(text.str());  // what it says repeats what was typed, or put into a variable
    for (std::string line; std::getline(lines, line);) {
      record::escape_controls(line, 0);
      fmt::print(stderr, "{}\n", line);
    }
    return kUsage;
  }
  return std::nullopt;
}

// Errors of the file are the program's output, not a stream of events: they are never cut short.
void print(const Diagnostics& diagnostics, bool notes) {
  for (const std::string& line : diagnostics.lines(notes)) fmt::print(stderr, "{}\n", line);
}

// Flag > file > environment > default. False if the environment's name is no name.
bool choose_bus(const Arguments& arguments, shm::BusOptions& options, OwnLog& log) {
  if (!arguments.bus.empty()) options.bus = arguments.bus;
  if (!arguments.directory.empty()) options.directory = arguments.directory;
  if (!options.bus.empty()) return true;
  const char* from_environment = std::getenv("LOGBUS_BUS");
  options.bus = from_environment != nullptr && *from_environment != '\0' ? from_environment : "default";
  if (is_bus_name(options.bus)) return true;
  log.error(fmt::format("LOGBUS_BUS: {} is not a bus's name (1 to 64 of A-Z a-z 0-9 _ . -)",
                        in_quotes(options.bus)));
  return false;
}

}  // namespace

int run_logbusd(int argc, const char* const* argv) {
  // These are for a configuration in use: they wait until there is one.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int number : {SIGHUP, SIGUSR1}) sigaddset(&signals, number);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  Arguments arguments;
  if (const std::optional<int> code = parse(argc, argv, arguments)) return *code;
  OwnLog log;
  Diagnostics diagnostics(arguments.config);
  Configuration configuration;
  try {
    configuration = load_config(arguments.config, diagnostics);
    if (configuration.increment) {
      const Increment increment = *configuration.increment;
      configuration = apply_increment(std::move(configuration), increment, diagnostics);
    }
  } catch (const Error& error) {
    log.error(error.what());
    return EX_CONFIG;
  }
  print(diagnostics, arguments.check);
  if (diagnostics.failed()) {
    log.error(fmt::format("{}: {}; nothing was started", arguments.config, diagnostics.errors_text()));
    return EX_CONFIG;
  }
  log.set_level(configuration.bus.log_level);
  log.set_json(configuration.bus.logs_json);
  if (!choose_bus(arguments, configuration.bus.options, log)) return EX_CONFIG;
  if (arguments.check) {
    log.info(fmt::format("{}: no errors", arguments.config));
    return EXIT_SUCCESS;
  }
  Service::Options options{arguments.config, arguments.drain, arguments.takeover, std::nullopt};
  if (!arguments.timeout.empty())
    options.timeout = std::chrono::ceil<std::chrono::milliseconds>(*parse_duration(arguments.timeout));
  return Service(std::move(options), std::move(configuration), log).run();
}

}  // namespace logbus::sidecar
