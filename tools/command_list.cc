// SPDX-License-Identifier: MIT
// Options of `logbus ls` and `logbus rm`.
#include <cstdio>
#include <memory>
#include <string>

#include "shm/segment_create.h"
#include "tools/command.h"
#include "tools/command_line.h"
#include "tools/list.h"

namespace logbus::tools {

Command add_ls(CLI::App& program, const CommonOptions& common) {
  CLI::App& command =
      *program.add_subcommand("ls", "Lists the buses of the directory; -q: their names alone.");
  auto format = std::make_shared<std::string>("text");
  command.add_option("--format", *format, "text or json (an object a line)")
      ->type_name("FORMAT")
      ->check(CLI::IsMember({"text", "json"}));
  return {&command, [format, &common] {
            shm::BusOptions options;
            options.directory = common.directory;
            const auto buses = list_buses(shm::bus_directory(options));
            const std::string text = *format == "json" ? list_json(buses) : list_text(buses, common.quiet);
            std::fwrite(text.data(), 1, text.size(), stdout);
            return 0;
          }};
}

Command add_rm(CLI::App& program, const CommonOptions& common) {
  CLI::App& command = *program.add_subcommand("rm", "Removes a bus that nobody is attached to.");
  auto bus = std::make_shared<std::string>();
  auto force = std::make_shared<bool>(false);
  command.add_option("bus,--bus", *bus, "the bus")->type_name("BUS")->required()->check(check_bus_name);
  command.add_flag("--force", *force, "also if workers or a sidecar are attached: they go to a new one");
  return {&command, [bus, force, &common] {
            if (shm::remove_bus(bus_options(*bus, common), *force)) return 0;
            std::fprintf(stderr, "logbus rm: a worker or a sidecar is attached to bus %s\n", bus->c_str());
            return kExitBusy;
          }};
}

}  // namespace logbus::tools
