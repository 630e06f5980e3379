// SPDX-License-Identifier: MIT
// What the subcommands of the program have in common.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "shm/snapshot.h"

namespace logbus::tools {

/// Options that every subcommand takes.
struct CommonOptions {
  std::string directory;  // "": $LOGBUS_DIR, else /dev/shm
  bool quiet = false;
  std::string color = "auto";

  /// Whether what goes to standard output may have colors.
  bool use_color() const;
};

/// A subcommand; `run` comes after the parse and gives the exit code.
struct Command {
  CLI::App* app;
  std::function<int()> run;
};

Command add_dump(CLI::App& program, const CommonOptions& common);
Command add_stat(CLI::App& program, const CommonOptions& common);
Command add_emit(CLI::App& program, const CommonOptions& common);
Command add_ls(CLI::App& program, const CommonOptions& common);
Command add_rm(CLI::App& program, const CommonOptions& common);

/// $LOGBUS_BUS, else "default".
std::string default_bus();
/// A validator for options that name a bus.
std::string check_bus_name(const std::string& name);
/// A validator for options that name a level.
std::string check_level(const std::string& text);
shm::BusOptions bus_options(const std::string& bus, const CommonOptions& common);
/// The bus of this name, or else the file of this name.
shm::Snapshot open_bus_or_file(const std::string& name, const CommonOptions& common);

/// Flushes standard output. False, and a sentence on stderr, if it could not be written.
bool finish_output();

}  // namespace logbus::tools
