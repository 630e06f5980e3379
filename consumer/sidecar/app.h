// SPDX-License-Identifier: MIT
// The program logbusd, but for main().
#pragma once

namespace logbus::sidecar {

/// Runs until the listener has ended or a signal says so; gives the exit code: 0, 1, 2 (usage), 75 (another
/// sidecar has the bus), 78 (configuration). Blocks SIGTERM, SIGINT, SIGHUP and SIGUSR1 in the calling
/// thread.
int run_logbusd(int argc, const char* const* argv);

}  // namespace logbus::sidecar
