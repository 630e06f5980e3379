// SPDX-License-Identifier: MIT
// Calls and the heap: a warm lane needs none, and the first call does without.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "test_bus.h"

namespace {

constinit thread_local long allocations = 0;
constinit thread_local bool no_memory = false;

}  // namespace

// Not inlined: GCC would warn where it sees one of the pair inside a caller and not the other.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (no_memory) throw std::bad_alloc();
  void* const memory = std::malloc(size == 0 ? 1 : size);
  if (memory == nullptr) std::abort();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace logbus {
namespace {

template <class Call>
long allocations_of(Call call) {
  call(0);  // claims the lane, interns the site, grows the scratch buffer
  const long before = allocations;
  for (int i = 1; i < 20; ++i) call(i);
  return allocations - before;
}

TEST(AllocationTest, WarmLaneNeedsNone) {
  testing::TestBus bus;
  Logger& logger = get_logger("warm");
  const std::string text(200, 'x');
  const std::vector<int> list{1, 2, 3};
  EXPECT_EQ(allocations_of([&](int i) { logger.info("{} {} {}", i, i + 1, 2.5); }), 0);
  EXPECT_EQ(allocations_of([&](int i) { logger.info("{} {}", text, i); }), 0);
  EXPECT_EQ(allocations_of([&](int i) { logger.info("x", kv("i", i), kv("text", std::string_view(text))); }),
            0);
  EXPECT_EQ(allocations_of([&](int) { logger.info("{}", list); }), 0);
  const BoundLogger bound = logger.bind(kv("a", 1), kv("b", "text"));
  EXPECT_EQ(allocations_of([&](int i) { bound.info("{}", i); }), 0);
  const ScopedContext context(kv("request", 1));
  EXPECT_EQ(allocations_of([&](int i) { logger.info("{}", i); }), 0);
}

TEST(AllocationTest, DisabledCallNeedsNone) {
  testing::TestBus bus(Level::kError);
  EXPECT_EQ(allocations_of([&](int i) { get_logger().info("{}", i); }), 0);
}

/// The exit code of a process that logs for the first time when there is no memory any more.
[[noreturn]] void log_without_memory() {
  testing::TestBus bus;
  Logger& logger = get_logger("poor");
  no_memory = true;
  for (const int level : {10, 20, 25, 30, 40, 50}) logger.log(Level{level}, "{} {}", level, "text");
  no_memory = false;
  std::_Exit(bus.messages().size() == 6 ? 0 : 1);
}

TEST(AllocationDeathTest, FirstCallNeedsNone) {
  // In a process of its own, where no other test has logged.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(log_without_memory(), ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace logbus
