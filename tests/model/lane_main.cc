// SPDX-License-Identifier: MIT
// A lane's laps and steps in every order of its writer's and its reader's steps. TAP, one line a case.
//
//   model_lanes                     all of them; with LOGBUS_SOAK larger ones as well
//   model_lanes laps|steps|blocks|ring   one of them, in a build with one step broken: it must fail
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "lane_stage.h"

namespace {

using namespace logbus::model;

struct Case {
  const char* name;
  LanePlan plan;
  Model model;
};

constexpr std::uint32_t k8 = 8 << 10;
constexpr std::uint32_t k32 = 32 << 10;
constexpr std::uint64_t k128 = 128 << 10;
// Small frames in a lane that takes five of them; laps begin whenever the reader has caught up.
constexpr LanePlan kLaps{.records = 6, .rounds = 4};
constexpr LanePlan kFewLaps{.records = 5, .rounds = 3};
// From a lane without memory: frames in one step, over two, over three, as laps and their ends come.
constexpr LanePlan kGrowing{
    .lane_size = k128, .records = 4, .sizes = {k32, k8, k32, k32}, .rounds = 3, .trims = true};
// All three steps have memory and nothing in them; the next lap comes to each and leaves it.
constexpr LanePlan kTrimming{.lane_size = k128,
                             .before = 3,
                             .records = 3,
                             .sizes = {k32, k32, k32, k32, k32, k32},
                             .rounds = 2,
                             .trims = true};
constexpr LanePlan kTrimmingOnce{.lane_size = k128,
                                 .before = 3,
                                 .records = 3,
                                 .sizes = {k32, k32, k32, k32, k32, k32},
                                 .rounds = 1,
                                 .trims = true};
// Two blocks of one record each, and more laps than the reader makes rounds.
constexpr LanePlan kRing{.records = 4, .rounds = 2, .overwrites = true};
constexpr LanePlan kShortRing{.records = 3, .rounds = 1, .overwrites = true};
// Two records more than the lane takes; wherever the reader stops, the writer sleeps for want of room alone.
constexpr LanePlan kBlocking{.lane_size = 96, .before = 1, .records = 7, .rounds = 5, .blocks = true};

const Case kCases[] = {
    {"laps", kLaps, Model::kTso},
    {"laps, PSO", kFewLaps, Model::kPso},
    {"steps of a lane that grows", kGrowing, Model::kTso},
    {"steps of a lane that is trimmed", kTrimming, Model::kTso},
    {"steps of a lane that is trimmed, PSO", kTrimmingOnce, Model::kPso},
    {"a writer that waits for room", kBlocking, Model::kTso},
    {"a ring", kRing, Model::kTso},
    {"a ring, PSO", kShortRing, Model::kPso},
};
constexpr LanePlan kLongRing{.records = 7, .rounds = 3, .overwrites = true};
constexpr LanePlan kManyLaps{.records = 8, .rounds = 6};
const Case kSoakCases[] = {
    {"many laps", kManyLaps, Model::kTso},
    {"a ring, longer", kLongRing, Model::kTso},
    {"a ring, PSO, longer", kRing, Model::kPso},
    {"laps, PSO, one more", kLaps, Model::kPso},
    {"steps of a lane that is trimmed twice, PSO", kTrimming, Model::kPso},
};

int number = 0;

LaneRun run_and_print(const Case& one, const Settings& settings, bool tell) {
  const LaneRun run = logbus::model::run(one.plan, settings, tell);
  const Result& result = run.result;
  std::printf("# %s: %u records, %u rounds: %llu states, %llu steps, %.2f s; %s\n", one.name,
              one.plan.records, one.plan.rounds, static_cast<unsigned long long>(result.states),
              static_cast<unsigned long long>(result.steps), run.seconds,
              result.failure != nullptr ? result.failure
              : result.complete         ? "nothing wrong in any order"
                                        : "too many states to see them all");
  std::fflush(stdout);
  return run;
}

/// Whether all that there is has been seen, and nothing wrong in it.
bool holds(const Case& one, const Settings& settings, bool tell) {
  const Result result = run_and_print(one, settings, tell).result;
  return result.failure == nullptr && result.complete && result.ends > 0;
}

/// Whether something wrong has been seen: of a mutant it is not enough that not all could be.
bool is_found(const Case& one, const Settings& settings, bool tell) {
  return run_and_print(one, settings, tell).result.failure != nullptr;
}

bool check(const Case& one) {
  const bool good = holds(one, {.model = one.model}, true);
  std::printf("%s %d - %s\n", good ? "ok" : "not ok", ++number, one.name);
  return good;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1) {
    const Case& one = std::strcmp(argv[1], "laps") == 0    ? kCases[0]
                      : std::strcmp(argv[1], "steps") == 0 ? kCases[3]
                      : std::strcmp(argv[1], "ring") == 0  ? kCases[6]
                                                           : kCases[5];
    const bool caught = is_found(one, {.model = one.model}, argc > 2);
    std::printf("1..1\n%s 1 - is found\n", caught ? "ok" : "not ok");
    return caught ? 0 : 1;
  }
  const bool soak = std::getenv("LOGBUS_SOAK") != nullptr;
  std::printf("1..%zu\n", std::size(kCases) + 2 + (soak ? std::size(kSoakCases) : 0));
  bool all_good = true;
  for (const Case& one : kCases) all_good &= check(one);
  // The reader's fence between its store of `read` and its look at who waits.
  const bool caught = is_found(kCases[5], {.mutant = Mutant::kNoFence}, false);
  std::printf("%s %d - mutant: no fence before the look at who waits\n", caught ? "ok" : "not ok", ++number);
  all_good &= caught;
  // The writer's between its store of the floor and the first byte of the block.
  const bool torn = is_found(kCases[7], {.model = Model::kPso, .mutant = Mutant::kNoFence}, false);
  std::printf("%s %d - mutant: no fence behind the floor\n", torn ? "ok" : "not ok", ++number);
  all_good &= torn;
  if (soak)
    for (const Case& one : kSoakCases) all_good &= check(one);
  return all_good ? 0 : 1;
}
