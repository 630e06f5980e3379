// SPDX-License-Identifier: MIT
// Workers that lie: each child attaches as a worker does, and then writes what no worker would write into the
// memory that it may write to. `own`: only its own slot, lane, steps, sites and lane data. `all`: anything
// that a worker maps.
//
//   byzantine --seed N --millis M --what own|all [--only STRATEGY]
//
// Gives on stdout how many lanes were taken and how many lies were told.
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <string_view>

#include <logbus/detail/clock.h>
#include <logbus/error.h>
#include "liar.h"

namespace {

using namespace logbus;
using namespace logbus::byzantine;

const Strategy& pick(Liar& liar, std::string_view what, std::string_view only) {
  const std::span<const Strategy> own = own_lies(), all = lies_about_all();
  for (const auto& lies : {own, all})
    for (const Strategy& strategy : lies)
      if (strategy.name == only) return strategy;
  if (what == "all" && liar.below(3) == 0)
    return liar.below(16) == 0 ? all.back() : all[liar.below(all.size() - 1)];
  return own[liar.below(own.size())];
}

bool ends_a_lane(std::string_view name) {
  return name.starts_with("word");
}

/// One process: a slot, some lanes, some lies, and a sudden end.
void live(std::uint64_t seed, std::string_view what, std::string_view only) {
  std::unique_ptr<shm::Attachment> attachment;
  try {
    shm::BusOptions options;
    options.bus = std::getenv("LOGBUS_BUS");
    attachment = shm::Attachment::attach(options, "liar");
  } catch (const Error&) {
    ::usleep(1000);
    ::_exit(0);  // no slot now
  }
  ++counts->children;
  std::mt19937_64 random(seed);
  for (int lanes = 0; lanes < 2; ++lanes) {
    Liar liar(*attachment, random());
    if (!liar.claim()) ::_exit(0);
    liar.start_here();
    for (std::uint64_t n = 1 + liar.below(3); n > 0; --n) {
      const Strategy& strategy = pick(liar, what, only);
      strategy.tell(liar);
      if (ends_a_lane(strategy.name)) break;
    }
  }
  ::_exit(0);
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t seed = 1;
  std::uint64_t millis = 1000;
  std::string what = "own";
  std::string only;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name = argv[i];
    if (name == "--seed")
      seed = std::strtoull(argv[i + 1], nullptr, 10);
    else if (name == "--millis")
      millis = std::strtoull(argv[i + 1], nullptr, 10);
    else if (name == "--what")
      what = argv[i + 1];
    else if (name == "--only")
      only = argv[i + 1];
    else
      return 2;
  }
  void* at = ::mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) return 3;
  counts = ::new (at) Counts{};
  const std::uint64_t end = clock_ns(CLOCK_MONOTONIC) + millis * 1'000'000;
  std::mt19937_64 random(seed);
  while (clock_ns(CLOCK_MONOTONIC) < end) {
    const pid_t pid = ::fork();
    if (pid < 0) return 3;
    if (pid == 0) live(random(), what, only);
    random.discard(1);
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid) return 3;
  }
  std::printf("%llu %llu %llu\n", static_cast<unsigned long long>(counts->children.load()),
              static_cast<unsigned long long>(counts->lanes.load()),
              static_cast<unsigned long long>(counts->lies.load()));
  return 0;
}
