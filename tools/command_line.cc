// SPDX-License-Identifier: MIT
// The program `logbus`: its options and subcommands.
#include "tools/command_line.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <logbus/error.h>
#include "tools/command.h"
#include "tools/escape.h"
#include "tools/record_filter.h"

namespace logbus::tools {
namespace {

/// Nothing to tidy up: what a subcommand holds of a bus ends with the process.
void exit_interrupted(int) {
  ::_exit(kExitInterrupted);
}

void set_signals() {
  // A parent may have left it ignored: then every write to a closed pipe would be an error to report.
  std::signal(SIGPIPE, SIG_DFL);
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = exit_interrupted;
  // Of a background job of a shell it is ignored, and stays so.
  if (::sigaction(SIGINT, nullptr, &before) == 0 && before.sa_handler != SIG_IGN)
    ::sigaction(SIGINT, &action, nullptr);
}

void add_common(CLI::App& app, CommonOptions& common) {
  app.add_option("--directory", common.directory, "where the buses are [$LOGBUS_DIR, else /dev/shm]")
      ->type_name("DIR");
  app.add_flag("-q,--quiet", common.quiet, "say less");
  app.add_option("--color", common.color, "auto (a terminal, and no $NO_COLOR), always or never")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}));
}

}  // namespace

bool CommonOptions::use_color() const {
  if (color != "auto") return color == "always";
  const char* no_color = std::getenv("NO_COLOR");
  return (no_color == nullptr || *no_color == '\0') && ::isatty(STDOUT_FILENO) == 1;
}

std::string default_bus() {
  const char* bus = std::getenv("LOGBUS_BUS");
  return bus != nullptr && *bus != '\0' ? bus : "default";
}

std::string check_bus_name(const std::string& name) {
  try {
    shm::BusOptions options;
    options.bus = name;
    shm::bus_path(options);
    return {};
  } catch (const Error& e) {
    return e.what();
  }
}

std::string check_level(const std::string& text) {
  return parse_level(text) ? "" : "\"" + text + "\" is not a level: a name like WARNING, or a number";
}

shm::BusOptions bus_options(const std::string& bus, const CommonOptions& common) {
  shm::BusOptions options;
  options.bus = bus;
  options.directory = common.directory;
  return options;
}

shm::Snapshot open_bus_or_file(const std::string& name, const CommonOptions& common) {
  if (!check_bus_name(name).empty()) return shm::Snapshot::of_file(name);
  const shm::BusOptions options = bus_options(name, common);
  struct stat st;
  const bool is_bus = ::lstat(shm::bus_path(options).c_str(), &st) == 0;
  if (!is_bus && ::stat(name.c_str(), &st) == 0 && S_ISREG(st.st_mode)) return shm::Snapshot::of_file(name);
  return shm::Snapshot::of_bus(options);
}

bool finish_output() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return true;
  std::fprintf(stderr, "logbus: can't write to standard output: %s\n", std::strerror(errno));
  return false;
}

int run_command_line(int argc, char** argv) {
  set_signals();
  CLI::App app("Looks at log buses in shared memory, and feeds them.", "logbus");
  app.set_version_flag("--version", "logbus " LOGBUS_VERSION);
  app.require_subcommand(1);
  app.footer(
      "BUS is the name of a bus [$LOGBUS_BUS, else default]. Exit codes: 0; 1 it did not work (no such "
      "bus);\n"
      "2 usage; 75 the bus is in use.");
  CommonOptions common;
  add_common(app, common);
  std::vector<Command> commands;
  for (const auto add : {add_dump, add_stat, add_emit, add_ls, add_rm}) commands.push_back(add(app, common));
  for (const Command& command : commands) add_common(*command.app, common);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    std::ostringstream text;
    if (app.exit(e, std::cout, text) == 0) return 0;
    std::istringstream lines(text.str());
    for (std::string line; std::getline(lines, line);) std::fprintf(stderr, "%s\n", escaped(line).c_str());
    return kExitUsage;
  }
  const auto command =
      std::find_if(commands.begin(), commands.end(), [](const Command& c) { return c.app->parsed(); });
  try {
    const int code = command->run();
    return finish_output() ? code : kExitFailure;
  } catch (const std::exception& e) {
    std::fflush(stdout);
    std::fprintf(stderr, "logbus %s: %s\n", command->app->get_name().c_str(), escaped(e.what()).c_str());
    return kExitFailure;
  }
}

}  // namespace logbus::tools
