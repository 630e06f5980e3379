// SPDX-License-Identifier: MIT
// A worker that makes warm calls between two marks (getppid, which nothing else here calls), for those who
// look at it from outside: strace, callgrind. It is its own reader, which only says that all has been read.
//
//   hot_path DIRECTORY CALL COUNT [--break-by=system-call|allocation]     CALL: one of kCalls; --leave: for a
//   sidecar
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <logbus/logger.h>

#include "shm/segment.h"

namespace {
constinit thread_local unsigned long allocations = 0;
}

#ifdef __GLIBC__
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* malloc(std::size_t size) {  // operator new comes by here as well
  ++allocations;
  return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
  ++allocations;
  return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
  ++allocations;
  return __libc_realloc(memory, size);
}
}
#endif

namespace {

using namespace logbus;

// Both bursts and lane are such that the lane's slow path is among what is measured: a new lap each burst, a
// step or two. After the first bursts it has all its memory.
constexpr int kBurst = 250;
constexpr std::uint64_t kLaneBytes = 64 << 10;
constexpr int kWarmBursts = 16;

void system_call() {
  ::syscall(SYS_getuid);
}
void allocation() {
  delete new volatile int(1);
}

/// Of its own name for callgrind.
template <class Call>
[[gnu::noinline]] void measured_burst(const Call& call) {
  for (int i = 0; i < kBurst; ++i) call(i);
}

template <class Call>
void run(const shm::Segment* bus, long count, void (*fault)(), const Call& call) {
  const auto read_all = [bus] {
    if (bus != nullptr)
      bus->consumer_line(0).read.store(bus->producer_line(0).committed.load(std::memory_order_relaxed),
                                       std::memory_order_release);
  };
  for (int n = 0; bus != nullptr && n < kWarmBursts; ++n) {
    for (int i = 0; i < kBurst; ++i) call(i);
    read_all();
  }
  const unsigned long before = allocations;
  ::getppid();
  for (long done = 0; done < count; done += kBurst) {
    measured_burst(call);
    read_all();
    if (fault != nullptr) fault();
  }
  ::getppid();
  std::printf("calls %ld allocations %lu\n", count, allocations - before);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const std::string_view what = argv[2];
  const long count = std::atol(argv[3]);
  const std::string_view option = argc > 4 ? argv[4] : "";
  void (*const fault)() = option == "--break-by=system-call"  ? system_call
                          : option == "--break-by=allocation" ? allocation
                                                              : nullptr;
  shm::BusOptions options;
  options.bus = "hot";
  options.directory = argv[1];
  options.lanes = 8;
  options.sites = 64;
  // For a sidecar all of it must fit: nobody reads until the end.
  const bool leave = option == "--leave";
  options.lane_size = leave ? 16 << 20 : kLaneBytes;
  options.memory = 64 << 20;
  options.max_per_process = 32 << 20;
  const shm::Segment segment = shm::Segment::open(options, shm::Segment::Role::kSidecar);
  basic_config({.bus = "hot", .directory = argv[1], .level = Level::kInfo, .on_failure = OnFailure::kThrow});
  const shm::Segment* const bus = leave ? nullptr : &segment;

  Logger& logger = get_logger("hot.path");
  const std::string text(64, 'x');
  const std::vector<int> list{1, 2, 3};
  const BoundLogger bound = logger.bind(kv("order", 1), kv("shop", "north"));
  if (what == "numbers")
    run(bus, count, fault,
        [&](int i) { logger.info("Iteration: {} int: {} double: {}", i, 2 * i, i / 2.0); });
  else if (what == "text")
    run(bus, count, fault, [&](int) { logger.info("{}", text); });
  else if (what == "fields")
    run(bus, count, fault,
        [&](int i) { logger.info("paid", kv("cents", i), kv("text", std::string_view(text))); });
  else if (what == "list")
    run(bus, count, fault, [&](int) { logger.info("{}", list); });
  else if (what == "bound")
    run(bus, count, fault, [&](int i) { bound.info("{}", i); });
  else if (what == "disabled")
    run(bus, count, fault, [&](int i) { logger.debug("{}", i); });
  else
    return 2;
  std::uint64_t dropped = 0;
  for (const auto& drops : segment.producer_line(0).dropped) dropped += drops.load(std::memory_order_relaxed);
  if (dropped != 0 ||
      (what != "disabled" && segment.producer_line(0).records.load() < static_cast<unsigned>(count))) {
    std::fprintf(stderr, "hot_path: %llu records dropped\n", static_cast<unsigned long long>(dropped));
    return 1;
  }
  return 0;
}
