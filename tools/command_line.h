// SPDX-License-Identifier: MIT
// The program `logbus`: its options and subcommands.
#pragma once

namespace logbus::tools {

// Exit codes, beside 0.
inline constexpr int kExitFailure = 1;  // there is no such bus, among others
inline constexpr int kExitUsage = 2;
inline constexpr int kExitBusy = 75;  // EX_TEMPFAIL of sysexits.h
inline constexpr int kExitInterrupted = 130;

/// Parses the arguments, runs the subcommand, gives the exit code.
int run_command_line(int argc, char** argv);

}  // namespace logbus::tools
