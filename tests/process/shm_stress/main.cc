// SPDX-License-Identifier: MIT
// shm_stress SCENARIO [--seed N] [--seconds S] [--mutant]: exit 0 if nothing was wrong, or, of a mutant, if
// something was.
#include <sys/time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>

#include "stress.h"

namespace {

using namespace logbus::stress;

struct Scenario {
  const char* name;
  void (*run)(const Settings&, Board&);
};
constexpr Scenario kScenarios[] = {
    {"laps", laps},
    {"grow", grow},
    {"claims", claims},
    {"sites", sites},
    {"order", order},
    {"doorbell", doorbell},
    {"block", block},
    {"drop", drop},
    {"ring", ring},
    {"order_fenced", order_fenced},
    {"doorbell_fenced", doorbell_fenced},
};

int run(const Scenario& scenario, const Settings& settings) {
  const auto totals = std::make_unique<Board>();
  const std::uint64_t started = now_us();
  scenario.run(settings, *totals);
  const Board& b = *totals;
  const double seconds = static_cast<double>(now_us() - started) / 1e6;
  std::printf(
      "%s: seed %lu, %.1f s: records %lu laps %lu claims %lu kills %lu stalls %lu drops %lu told %lu passes "
      "%lu sleeps "
      "%lu "
      "blocks %lu worst %lu us\n",
      scenario.name, settings.seed, seconds, b.records.load(), b.laps.load(), b.claims.load(), b.kills.load(),
      b.stalls.load(), b.drops.load(), b.told.load(), b.passes.load(), b.sleeps.load(), b.blocks.load(),
      b.worst_us.load());
  std::printf(
      "  errors %lu: torn %lu misplaced %lu quarantined %lu unordered %lu taken %lu lost %lu failed %lu\n",
      b.errors(), b.torn.load(), b.misplaced.load(), b.quarantined.load(), b.unordered.load(), b.taken.load(),
      b.lost.load(), b.failed.load());
  if (!settings.until_first_error) {
    if (b.errors() == 0 && b.records + b.claims < 1000) {
      std::printf("  too little was done to say anything\n");
      return 1;
    }
    return b.errors() == 0 ? 0 : 1;
  }
  std::printf(
      b.errors() != 0 ? "  the mutant was caught after %.1f s\n" : "  THE MUTANT WAS NOT CAUGHT in %.1f s\n",
      seconds);
  return b.errors() != 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  settings.seed = static_cast<std::uint64_t>(std::time(nullptr));
  settings.duration = std::chrono::seconds(std::getenv("LOGBUS_SOAK") != nullptr ? 30 : 2);
  for (int i = 2; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--mutant") {
      settings.until_first_error = true;
      settings.duration = std::chrono::seconds(40);
    } else if (argument == "--seed" && i + 1 < argc) {
      settings.seed = std::strtoull(argv[++i], nullptr, 10);
    } else if (argument == "--seconds" && i + 1 < argc) {
      settings.duration = std::chrono::milliseconds(static_cast<long>(std::atof(argv[++i]) * 1000));
    }
  }
  for (const Scenario& scenario : kScenarios)
    if (argc > 1 && std::strcmp(argv[1], scenario.name) == 0) return run(scenario, settings);
  std::fprintf(stderr, "usage: %s SCENARIO [--seed N] [--seconds S] [--mutant]\n", argv[0]);
  return 2;
}
