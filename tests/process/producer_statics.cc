// SPDX-License-Identifier: MIT
// A program that logs before main and after it, and over an exec.
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include <logbus/logger.h>

namespace {

struct Early {
  Early() { logbus::get_logger("statics").warning("static {}", "constructor"); }
  ~Early() { logbus::get_logger("statics").warning("static {}", "destructor"); }
};
const Early early;

}  // namespace

int main(int, char** arguments) {
  logbus::basic_config({.bus = "unit"});
  if (arguments[1] != nullptr && std::string_view(arguments[1]) == "exec") {
    logbus::get_logger("statics").warning("before {}", "exec");
    ::execl("/proc/self/exe", "statics", "again", nullptr);
    return 1;
  }
  std::atexit([] { logbus::get_logger("statics").warning("atexit"); });
  logbus::get_logger("statics").warning("main");
}
