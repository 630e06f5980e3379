// SPDX-License-Identifier: MIT
// A worker whose threads come and go, fork, exec and die by a schedule of its own.
#pragma once

namespace logbus::testing {

/// Options: --schedule SEED --board FILE --worker N [--threads N] [--records N] [--pause-us N] [--payload N]
/// [--stops N]
/// [--membarrier 0].
/// Each record is "w <worker> t <entry of the board> n <number>", and sometimes " p <length> <letters>";
/// logger "load", at INFO, WARNING or ERROR. SEED 0: --threads threads that log --records records each (0:
/// until they are told to stop), --pause-us apart on average, and nothing else happens. Else all of it does.
/// `--stops N`: in one of N bursts the process stops itself on some instruction.
/// `--membarrier 0`: the system call is refused, and writers fence themselves.
int run_schedule(int argc, char** argv);

}  // namespace logbus::testing
