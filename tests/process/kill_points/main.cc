// SPDX-License-Identifier: MIT
// kill_points [--sidecar | --signal] [--all [--seconds S] | --sample N] [--seed S]
//   [--operation NAME [--place I]] [--mutant]
// A line of TAP an operation, which takes S seconds at most. With --mutant exit 0 says that something was
// wrong.
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
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "hunt.h"
#include "oracle.h"
#include "scene.h"
#include "small_disk.h"
#include "stepper.h"
#include "support/shm_bus.h"

namespace logbus::kill_points {
namespace {

/// Of an instruction in the loops of a longer operation, even if all places are wanted: the first this many
/// times, and the last.
constexpr std::uint32_t kMostOfOne = 16;
constexpr std::size_t kLong = 5000;
/// Of an operation, in a soak.
constexpr std::chrono::seconds kSoakTime{40};

class Runner : private Scene {
 public:
  explicit Runner(const Operation& operation) : Scene(operation) {}

  using Scene::record;

  void kill_at(const Trace& trace, std::size_t place, Outcome& outcome) {
    const testing::TempDir directory;
    try {
      set(directory.path());
      with_victim(operation_, [&](Stepper& stepper) { outcome.count(stepper.run_to(trace, place)); });
      stage_.in_process([this] { check(stage_, operation_); });
      outcome.in_flight += stage_.board->in_flight;
    } catch (const std::exception& error) {
      outcome.fail("place " + std::to_string(place) + ": " + error.what());
    }
  }
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

}  // namespace

std::vector<std::size_t> choose(const Trace& trace, const Settings& settings, std::mt19937_64& random) {
  if (settings.place) return {*settings.place};
  std::vector<std::size_t> places = trace.places(trace.size() < kLong ? kLong : kMostOfOne);
  if (settings.longest.count() != 0) std::shuffle(places.begin(), places.end(), random);
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

namespace {

void hunt_worker(const Operation& operation, const Settings& settings, Outcome& outcome) {
  std::mt19937_64 random(settings.seed);
  Runner runner(operation);
  const Trace trace = runner.record();
  outcome.size = trace.size();
  const std::vector<std::size_t> places = choose(trace, settings, random);
  outcome.places = places.size();
  for (const std::size_t place : places) {
    if (outcome.is_enough(settings)) break;
    runner.kill_at(trace, place, outcome);
    if (settings.place && place < outcome.size)
      std::printf("# place %zu: addr2line -ifCe build/.../kill_points 0x%zx\n", place,
                  trace.pc(place) - 0x555555554000);
  }
}

bool run(const Operation& operation, const Settings& settings, std::size_t number) {
  Outcome outcome;
  try {
    const auto hunt = settings.sidecar ? hunt_sidecar : settings.signal ? hunt_signal : hunt_worker;
    hunt(operation, settings, outcome);
  } catch (const NoDisk& error) {
    std::printf("ok %zu - %s # SKIP %s\n", number, operation.name, error.what());
    return true;
  } catch (const std::exception& error) {
    outcome.fail(error.what());
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - outcome.started;
  const bool good = outcome.failed == 0;
  std::printf("%sok %zu - %s\n", good ? "" : "not ", number, operation.name);
  std::printf("# %zu instructions, %zu places; %s %zu of them, elsewhere %zu, after the end %zu; ",
              outcome.size, outcome.places, settings.signal ? "signals at" : "killed at", outcome.there,
              outcome.elsewhere, outcome.after);
  if (outcome.firsts != 0) std::printf("behind %zu other kills; ", outcome.firsts);
  if (settings.sidecar)
    std::printf("at system calls %zu, in the middle of writes %zu; ", outcome.calls, outcome.halves);
  else if (!settings.signal)
    std::printf("torn records shown %zu; ", outcome.in_flight);
  std::printf("failed %zu; %.1f s\n", outcome.failed, seconds.count());
  for (const std::string& failure : outcome.failures) std::printf("# %s\n", failure.c_str());
  std::fflush(stdout);
  return good;
}

/// Once more, with the same addresses in each run, and with all functions bound.
void settle_addresses(char** argv) {
  if (std::getenv("LD_BIND_NOW") != nullptr) return;
  ::setenv("LD_BIND_NOW", "1", 1);
  ::unsetenv("MALLOC_PERTURB_");  // Meson's: filling a megabyte is a million steps
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
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto value = [&] { return i + 1 < argc ? argv[++i] : ""; };
    if (argument == "--all") settings.sample = 0;
    if (argument == "--mutant") settings.mutant = true;
    if (argument == "--sidecar") settings.sidecar = true;
    if (argument == "--signal") settings.signal = true;
    if (argument == "--sample") settings.sample = std::strtoull(value(), nullptr, 10);
    if (argument == "--seed") settings.seed = std::strtoull(value(), nullptr, 10);
    if (argument == "--operation") settings.operation = value();
    if (argument == "--seconds") settings.longest = std::chrono::seconds(std::strtol(value(), nullptr, 10));
    if (argument == "--place") settings.place = std::strtoull(value(), nullptr, 10);
  }
  const char* soak = std::getenv("LOGBUS_SOAK");
  if (soak != nullptr && std::strcmp(soak, "1") == 0) {
    settings.sample = 0;
    if (settings.longest.count() == 0) settings.longest = kSoakTime;
  }
  for (const char* name : {"LOGBUS_BUS", "LOGBUS_DIR", "LOGBUS_LEVEL", "LOGBUS_PROCESS_NAME", "LOGBUS_GROUP"})
    ::unsetenv(name);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  // Workers complain there of lost records, and of a bus that has gone.
  if (!settings.place) static_cast<void>(std::freopen("/dev/null", "w", stderr));
  std::vector<const Operation*> wanted;
  const auto takes_signals = [&](const Operation& operation) {
    return operation.handler != Handler::kNothing && (!operation.is_long || settings.sample == 0);
  };
  const auto add = [&](std::span<const Operation> operations) {
    for (const Operation& operation : operations)
      if ((settings.operation.empty() || settings.operation == operation.name) &&
          (!settings.signal || takes_signals(operation)))
        wanted.push_back(&operation);
  };
  add(settings.sidecar ? sidecar_operations() : worker_operations());
  if (settings.sidecar) add(sidecar_event_operations());
  std::printf("1..%zu\n# seed %lu\n", wanted.size(), settings.seed);
  std::fflush(stdout);  // a victim that ends by exit() would write it too
  bool good = !wanted.empty();
  for (std::size_t i = 0; i < wanted.size(); ++i) good &= run(*wanted[i], settings, i + 1);
  return good != settings.mutant ? 0 : 1;
}
