// SPDX-License-Identifier: MIT
// logbusd: the sidecar that drains a bus into handlers.
#include "sidecar/app.h"

int main(int argc, char** argv) {
  return logbus::sidecar::run_logbusd(argc, argv);
}
