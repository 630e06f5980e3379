// SPDX-License-Identifier: MIT
// Calls for a look at the machine code that runs: calls DIRECTORY WHAT. Public headers alone, any compiler.
#include <atomic>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <vector>

#include <logbus/logger.h>

namespace {

logbus::Logger& logger = logbus::get_logger("hot.path");
const logbus::BoundLogger bound = logger.bind(logbus::kv("order", 1));
const std::string_view text = "a text of some length, which is copied by memcpy and not by stores";
const std::vector<int> list{1, 2, 3};
std::atomic<int> counter;
char buffer[32];
int* volatile kept;

struct Call {
  const char* name;
  void (*function)(int);
};
const Call kCalls[] = {
    {"numbers", [](int i) { logger.info("Iteration: {} int: {} double: {}", i, 2 * i, i / 2.0); }},
    {"text", [](int) { logger.info("{}", text); }},
    {"fields", [](int i) { logger.info("paid", logbus::kv("cents", i), logbus::kv("text", text)); }},
    {"list", [](int) { logger.info("{}", list); }},
    {"bound", [](int i) { bound.info("{}", i); }},
    {"disabled", [](int i) { logger.debug("{}", i); }},
    // What must be found.
    {"bad fence", [](int) { std::atomic_thread_fence(std::memory_order_seq_cst); }},
    {"bad lock", [](int) { counter.fetch_add(1, std::memory_order_relaxed); }},
    {"bad exchange", [](int i) { counter.exchange(i, std::memory_order_relaxed); }},
    {"bad formatting", [](int i) { std::snprintf(buffer, sizeof buffer, "%d %.3f", i, i / 3.0); }},
    {"bad allocation",
     [](int i) {
       kept = new int(i);
       delete kept;
     }},
};

}  // namespace

/// What callgrind looks into. All of it together stays in the lane's first step.
extern "C" [[gnu::noinline]] void measured(void (*function)(int)) {
  for (int i = 0; i < 16; ++i) function(i);
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  logbus::basic_config({.bus = "hot",
                        .directory = argv[1],
                        .level = logbus::Level::kInfo,
                        .on_failure = logbus::OnFailure::kThrow});
  bool known = false;
  for (const Call& call : kCalls) {
    const bool all = std::strcmp(argv[2], "all") == 0 && std::strncmp(call.name, "bad ", 4) != 0;
    if (!all && std::strcmp(call.name, argv[2]) != 0) continue;
    for (int i = 0; i < 3; ++i) call.function(i);  // the lane, the site, the scratch buffer
    measured(call.function);
    known = true;
  }
  return known ? 0 : 2;
}
