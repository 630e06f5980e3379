// SPDX-License-Identifier: MIT
// What a call on a warm lane must not do.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "test_bus.h"

namespace {

constinit thread_local long allocations = 0;

}  // namespace

// Not inlined: GCC would warn where it sees one of the pair inside a caller and not the other.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
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

}  // namespace
}  // namespace logbus
