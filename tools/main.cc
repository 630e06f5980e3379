// SPDX-License-Identifier: MIT
// The program `logbus`.
#include "tools/command_line.h"

int main(int argc, char** argv) {
  return logbus::tools::run_command_line(argc, argv);
}
