// SPDX-License-Identifier: MIT
// Peer: a tracepoint of LTTng-UST with two ints and a double, into a session that tests/bench/run has
// started. Its consumer writes binary traces: no text is made at all. FILE is not used.
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "peer_lttng_tracepoint.h"

#include "lines.h"
#include "peers.h"

int main(int argc, char** argv) {
  const logbus::bench::PeerCommand command(argc, argv);
  if (!lttng_ust_tracepoint_enabled(logbus_bench, line)) {
    std::fprintf(stderr, "no session has enabled logbus_bench:line\n");
    return 1;
  }
  const auto call = [](int i) { lttng_ust_tracepoint(logbus_bench, line, i, 2 * i, i / 2.0); };
  if (command.file) return logbus::bench::run_lines(command.number, call, [] { return true; });
  logbus::bench::time_bursts(command, call);
  return 0;
}
