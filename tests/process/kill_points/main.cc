// SPDX-License-Identifier: MIT
// kill_points [--all | --sample N] [--seed S] [--operation NAME [--place I]] [--mutant]: a line of TAP an
// operation. With --mutant exit 0 says that something was wrong.
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "oracle.h"
#include "shm/segment.h"
#include "stepper.h"
#include "support/shm_bus.h"

namespace logbus::kill_points {
namespace {

struct Settings {
  std::size_t sample = 25;  // places of each operation; 0: all
  std::uint64_t seed = 1;
  std::string operation;
  std::optional<std::size_t> place;
  bool mutant = false;  // ends with the first failure, which is wanted
};
/// Of an instruction in the loops of a longer operation, even if all places are wanted: the first this many
/// times, and the last.
constexpr std::uint32_t kMostOfOne = 16;
constexpr std::size_t kLong = 5000;
constexpr std::size_t kToldFailures = 5;

struct Outcome {
  std::size_t there = 0, elsewhere = 0, after = 0, in_flight = 0, failed = 0;
  std::vector<std::string> failures;
};

class Runner {
 public:
  explicit Runner(const Operation& operation) : operation_(operation) {
    void* memory = ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no memory for the board");
    stage_.board = new (memory) Board{};
    shm::BusOptions& options = stage_.options;
    options.bus = "test";
    options.lanes = 8;
    options.lane_size = 64 << 10;
    options.sites = 64;
    options.memory = 1 << 20;
    // Who waits for a dead writer's next record waits longer than anybody looks.
    options.max_hold = std::chrono::hours(1);
    if (operation.options != nullptr) operation.options(options);
  }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  ~Runner() { ::munmap(stage_.board, sizeof(Board)); }

  Trace record() {
    Trace trace;
    const testing::TempDir directory;
    with_victim(directory.path(), [&](Stepper& stepper) { stepper.record(trace); });
    return trace;
  }

  void kill_at(const Trace& trace, std::size_t place, Outcome& outcome) {
    const testing::TempDir directory;
    try {
      with_victim(directory.path(), [&](Stepper& stepper) {
        const Stepper::Reached reached = stepper.run_to(trace, place);
        ++(reached == Stepper::Reached::kThere       ? outcome.there
           : reached == Stepper::Reached::kElsewhere ? outcome.elsewhere
                                                     : outcome.after);
      });
      stage_.in_process([this] { check(stage_, operation_); });
      outcome.in_flight += stage_.board->in_flight;
    } catch (const std::exception& error) {
      ++outcome.failed;
      if (outcome.failures.size() < kToldFailures)
        outcome.failures.push_back("place " + std::to_string(place) + ": " + error.what());
    }
  }

 private:
  void make_bus() const {
    static_cast<void>(shm::Segment::open(stage_.options, shm::Segment::Role::kWorker));
    if (operation_.alone) return;
    stage_.configure();
    const std::string text = text_of(30);
    for (int i = 0; i < 3; ++i) stage_.log(kEarlier, text);
  }

  /// Makes the bus, and a process that stands where its operation begins; afterwards it is dead.
  template <class F>
  void with_victim(const std::string& directory, F f) {
    stage_.directory = stage_.options.directory = directory;
    std::memset(static_cast<void*>(stage_.board), 0, sizeof(Board));
    if (!operation_.no_bus) stage_.in_process([this] { make_bus(); });
    if (operation_.prepare != nullptr) stage_.in_process([this] { operation_.prepare(stage_); });
    const pid_t companion =
        operation_.companion == nullptr ? 0 : stage_.start([this] { operation_.companion(stage_); });
    const Stepper::Hooks hooks = {
        .body =
            [this] {
              operation_.set_up(stage_);
              if (!operation_.follow_child) start_mark();
              operation_.run(stage_);
              end_mark();
            },
        .paused = [this](int n) { stage_.in_process([this, n] { operation_.paused(stage_, n); }); },
        .follow_child = operation_.follow_child,
    };
    {
      Stepper stepper(hooks);
      if (!stepper.run_to_start()) throw std::runtime_error("the set-up fails");
      f(stepper);
    }
    stage_.board->stop = 1;
    if (companion != 0) stage_.finish(companion);
    // Children of the dead are ours now.
    while (::waitpid(-1, nullptr, __WALL) > 0 || errno == EINTR) {
    }
  }

  const Operation& operation_;
  Stage stage_;
};

extern "C" const char __executable_start;  // the linker's
extern "C" const char etext;
bool is_ours(std::uintptr_t pc) {
  return pc >= reinterpret_cast<std::uintptr_t>(&__executable_start) &&
         pc < reinterpret_cast<std::uintptr_t>(&etext);
}
/// Our own code is that of the process that was looked at.
bool is_syscall(std::uintptr_t pc) {
  constexpr unsigned char kSyscall[] = {0x0F, 0x05};
  return std::memcmp(reinterpret_cast<const void*>(pc), kSyscall, sizeof kSyscall) == 0;
}

void add_some(const std::vector<std::size_t>& from, std::size_t count, std::mt19937_64& random,
              std::vector<std::size_t>& to) {
  std::sample(from.begin(), from.end(), std::back_inserter(to), count, random);
}

std::vector<std::size_t> choose(const Trace& trace, const Settings& settings, std::mt19937_64& random) {
  if (settings.place) return {*settings.place};
  const std::vector<std::size_t> places = trace.places(trace.size() < kLong ? kLong : kMostOfOne);
  if (!settings.mutant && (settings.sample == 0 || places.size() <= settings.sample)) return places;
  // Where something has happened that others see: in the kernel, or in our own code.
  std::vector<std::size_t> after_calls;
  std::vector<std::size_t> ours;
  for (const std::size_t place : places) {
    if (place > 0 && is_syscall(trace.pc(place - 1))) after_calls.push_back(place);
    if (place < trace.size() && is_ours(trace.pc(place))) ours.push_back(place);
  }
  std::vector<std::size_t> some;
  if (settings.mutant) {
    some = std::move(after_calls);
    some.insert(some.end(), ours.begin(), ours.end());
    std::shuffle(some.begin(), some.end(), random);
    return some;
  }
  add_some(after_calls, settings.sample / 3, random, some);
  add_some(ours, settings.sample / 3, random, some);
  add_some(places, settings.sample - some.size(), random, some);
  return some;
}

bool run(const Operation& operation, const Settings& settings, std::size_t number) {
  const auto started = std::chrono::steady_clock::now();
  Outcome outcome;
  std::size_t size = 0;
  try {
    std::mt19937_64 random(settings.seed);
    Runner runner(operation);
    const Trace trace = runner.record();
    size = trace.size();
    for (const std::size_t place : choose(trace, settings, random)) {
      runner.kill_at(trace, place, outcome);
      if (settings.mutant && outcome.failed != 0) break;
      if (settings.place && place < size)
        std::printf("# place %zu: addr2line -ifCe build/.../kill_points 0x%zx\n", place,
                    trace.pc(place) - 0x555555554000);
    }
  } catch (const std::exception& error) {
    ++outcome.failed;
    outcome.failures.emplace_back(error.what());
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - started;
  const bool good = outcome.failed == 0;
  std::printf("%sok %zu - %s\n", good ? "" : "not ", number, operation.name);
  std::printf(
      "# %zu instructions; killed at %zu of them, elsewhere %zu, after the end %zu; torn records shown %zu; "
      "failed %zu; %.1f s\n",
      size, outcome.there, outcome.elsewhere, outcome.after, outcome.in_flight, outcome.failed,
      seconds.count());
  for (const std::string& failure : outcome.failures) std::printf("# %s\n", failure.c_str());
  std::fflush(stdout);
  return good;
}

/// Once more, with the same addresses in each run, and with all functions bound.
void settle_addresses(char** argv) {
  if (std::getenv("LD_BIND_NOW") != nullptr) return;
  ::setenv("LD_BIND_NOW", "1", 1);
  ::personality(static_cast<unsigned long>(::personality(0xFFFFFFFF)) | ADDR_NO_RANDOMIZE);
  ::execv("/proc/self/exe", argv);
  throw std::runtime_error("can't run itself again");
}

}  // namespace
}  // namespace logbus::kill_points

int main(int argc, char** argv) {
  using namespace logbus::kill_points;
  settle_addresses(argv);
  Settings settings;
  const char* soak = std::getenv("LOGBUS_SOAK");
  if (soak != nullptr && std::strcmp(soak, "1") == 0) settings.sample = 0;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto value = [&] { return i + 1 < argc ? argv[++i] : ""; };
    if (argument == "--all") settings.sample = 0;
    if (argument == "--mutant") settings.mutant = true;
    if (argument == "--sample") settings.sample = std::strtoull(value(), nullptr, 10);
    if (argument == "--seed") settings.seed = std::strtoull(value(), nullptr, 10);
    if (argument == "--operation") settings.operation = value();
    if (argument == "--place") settings.place = std::strtoull(value(), nullptr, 10);
  }
  for (const char* name : {"LOGBUS_BUS", "LOGBUS_DIR", "LOGBUS_LEVEL", "LOGBUS_PROCESS_NAME", "LOGBUS_GROUP"})
    ::unsetenv(name);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  // Workers complain there of lost records, and of a bus that has gone.
  if (!settings.place) static_cast<void>(std::freopen("/dev/null", "w", stderr));
  std::vector<const Operation*> wanted;
  for (const Operation& operation : worker_operations())
    if (settings.operation.empty() || settings.operation == operation.name) wanted.push_back(&operation);
  std::printf("1..%zu\n# seed %lu\n", wanted.size(), settings.seed);
  std::fflush(stdout);  // a victim that ends by exit() would write it too
  bool good = !wanted.empty();
  for (std::size_t i = 0; i < wanted.size(); ++i) good &= run(*wanted[i], settings, i + 1);
  return good != settings.mutant ? 0 : 1;
}
