// SPDX-License-Identifier: MIT
// The bus's own sources in every order of the steps of a few writers and the reader; and with one step
// broken, which must be noticed. TAP, one line a case.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "stage.h"

namespace {

using namespace logbus::model;

constexpr const char* kBelowWatermark = "a record below the watermark that the pass has not given";
constexpr const char* kTorn = "a torn frame";
constexpr const char* kSleeps = "the reader sleeps over a record and nobody will ring";

struct Case {
  const char* name;
  Plan plan;
  Settings settings;
  const char* failure = nullptr;  // of a mutant: what must be found
};

constexpr Model kPso = Model::kPso;
constexpr Plan kSleeping{.writers = 1, .records = 2, .passes = 3, .sleeps = true};
constexpr Plan kOrderOnly{.writers = 2, .records = 1, .passes = 2, .progress = false};
constexpr Plan kFencedOrderOnly{.writers = 2, .records = 1, .passes = 2, .fenced = true, .progress = false};
constexpr Plan kWakesOnly{
    .writers = 1, .records = 2, .passes = 3, .sleeps = true, .order = false, .progress = false};
constexpr Plan kFencedWakesOnly{.writers = 1,
                                .records = 2,
                                .passes = 3,
                                .fenced = true,
                                .sleeps = true,
                                .order = false,
                                .progress = false};

const Case kCases[] = {
    {"one writer", {.writers = 1, .records = 4, .passes = 4}, {}},
    {"two writers", {.writers = 2, .records = 2, .passes = 1}, {}},
    {"two writers, three passes", {.writers = 2, .records = 1, .passes = 3}, {}},
    // What is stamped in the tick of a pass waits for the next one.
    {"two writers, clocks that show the same", kOrderOnly, {.ties = true}},
    {"two writers that fence themselves", {.writers = 2, .records = 1, .passes = 3, .fenced = true}, {}},
    {"two writers, one of them killed", {.writers = 2, .records = 1, .passes = 2}, {.kills = true}},
    {"one writer, killed, PSO", {.writers = 1, .records = 2, .passes = 3}, {.model = kPso, .kills = true}},
    {"a reader that sleeps", {.writers = 1, .records = 3, .passes = 5, .sleeps = true}, {}},
    {"a reader that sleeps, two writers", {.writers = 2, .records = 1, .passes = 3, .sleeps = true}, {}},
    {"a reader that sleeps, two writers that fence themselves",
     {.writers = 2, .records = 1, .passes = 3, .fenced = true, .sleeps = true},
     {}},
    {"one writer, PSO", {.writers = 1, .records = 3, .passes = 3}, {.model = kPso}},
    {"two writers, PSO", {.writers = 2, .records = 1, .passes = 2}, {.model = kPso}},
    {"two writers that fence themselves, PSO",
     {.writers = 2, .records = 1, .passes = 2, .fenced = true},
     {.model = kPso}},
    {"a reader that sleeps, PSO", kSleeping, {.model = kPso}},
};

// Beyond what everybody can wait for.
const Case kSoakCases[] = {
    {"two writers, two records, three passes", {.writers = 2, .records = 2, .passes = 3}, {}},
    {"two writers, two records, a reader that sleeps",
     {.writers = 2, .records = 2, .passes = 2, .sleeps = true},
     {}},
    {"two writers, four passes, clocks that show the same",
     {.writers = 2, .records = 1, .passes = 4, .progress = false},
     {.ties = true}},
    {"two writers, three passes, PSO", {.writers = 2, .records = 1, .passes = 3}, {.model = kPso}},
    {"two writers, a reader that sleeps, PSO",
     {.writers = 2, .records = 1, .passes = 3, .sleeps = true},
     {.model = kPso}},
};

const Case kMutants[] = {
    {"committed read before busy", kOrderOnly, {.mutant = Mutant::kCommittedBeforeBusy}, kBelowWatermark},
    {"no membarrier", kOrderOnly, {.mutant = Mutant::kNoMembarrier}, kBelowWatermark},
    {"no membarrier before sleeping", kWakesOnly, {.mutant = Mutant::kNoMembarrier}, kSleeps},
    {"stamping said after the clock is read",
     kOrderOnly,
     {.mutant = Mutant::kBusyAfterClock},
     kBelowWatermark},
    {"committed is no release", kOrderOnly, {.model = kPso, .mutant = Mutant::kCommittedRelaxed}, kTorn},
    {"no fence before the clock", kFencedOrderOnly, {.mutant = Mutant::kNoFence}, kBelowWatermark},
    {"no fence before attention", kFencedWakesOnly, {.mutant = Mutant::kNoFence}, kSleeps},
    {"no look between the announcement of a sleep and the sleep",
     kWakesOnly,
     {.mutant = Mutant::kNoSecondLook},
     kSleeps},
    {"attention read before the commit", kWakesOnly, {.mutant = Mutant::kAttentionTooEarly}, kSleeps},
};

int number = 0;
bool all_good = true;

void check(const Case& one, bool tell_mutants) {
  const bool is_mutant = one.failure != nullptr;
  const Run run = logbus::model::run(one.plan, one.settings, !is_mutant || tell_mutants);
  const Result& result = run.result;
  const bool good = is_mutant ? result.failure != nullptr && std::strcmp(result.failure, one.failure) == 0
                              : result.failure == nullptr && result.complete && result.ends > 0;
  all_good &= good;
  std::printf("%s %d - %s%s\n", good ? "ok" : "not ok", ++number, is_mutant ? "mutant: " : "", one.name);
  std::printf("# %u writers x %u records, %u passes: %llu states, %llu steps, %.2f s; %s\n", one.plan.writers,
              one.plan.records, one.plan.passes, static_cast<unsigned long long>(result.states),
              static_cast<unsigned long long>(result.steps), run.seconds,
              result.failure != nullptr ? result.failure
              : result.complete         ? "nothing wrong in any order"
                                        : "too many states to see them all");
  std::fflush(stdout);
}

/// The scenario forgets only what does not matter: without forgetting come the same outcomes, from more
/// states.
void check_forgetting() {
  const Plan plan{.writers = 1, .records = 2, .passes = 4, .sleeps = true};
  const Result forgets = logbus::model::run(plan, {}, true).result;
  const Result remembers = logbus::model::run(plan, {.remembers = true}, true).result;
  const bool good = forgets.outcomes == remembers.outcomes && forgets.states < remembers.states;
  all_good &= good;
  std::printf("%s %d - what is forgotten does not matter\n# %llu states, %llu without forgetting\n",
              good ? "ok" : "not ok", ++number, static_cast<unsigned long long>(forgets.states),
              static_cast<unsigned long long>(remembers.states));
}

}  // namespace

int main(int argc, char** argv) {
  const bool soak = std::getenv("LOGBUS_SOAK") != nullptr;
  const bool tell_mutants =
      argc > 1 && std::strcmp(argv[1], "--tell") == 0;  // how each was caught, step by step
  std::printf("1..%zu\n", 1 + std::size(kCases) + std::size(kMutants) + (soak ? std::size(kSoakCases) : 0));
  for (const Case& one : kCases) check(one, false);
  for (const Case& one : kMutants) check(one, tell_mutants);
  check_forgetting();
  if (soak)
    for (const Case& one : kSoakCases) check(one, false);
  return all_good ? 0 : 1;
}
