// SPDX-License-Identifier: MIT
// A record's way through a queue uses memory that earlier ones have left.
#include <cstdlib>
#include <new>
#include <string>

#include <gtest/gtest.h>

#include <logbus/log_queue.h>
#include <logbus/queue_handler.h>

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
// AddressSanitizer has one of its own.
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}

namespace logbus {
namespace {

LogRecord sample(std::size_t text) {
  LogRecord record;
  record.name = "a logger with quite a name";
  record.msg = "order %d paid: %s with a long text";
  record.args = Value(List{Value(42), Value(std::string(text, 'x'))});
  record.pathname = "/srv/app/src/orders/orders.cc";
  record.exc_text = std::string(text, 'y');
  record.extra = {{"a key that is rather long", Value(std::string(text, 'z'))}};
  return record;
}

// By this thread, for ten records through the queue after a few of the same before.
long allocations_of(const LogRecord& record, QueueHandler& handler, LogQueue& queue) {
  LogRecord taken;
  const auto round = [&] {
    for (int i = 0; i < 10; ++i) handler.handle(record);
    for (int i = 0; i < 10; ++i) EXPECT_TRUE(queue.get(taken, std::chrono::milliseconds(0)));
  };
  for (int i = 0; i < 3; ++i) round();
  const long before = allocations;
  round();
  return allocations - before;
}

TEST(QueueAllocationTest, AUsualRecordNeedsNone) {
  const auto queue = std::make_shared<LogQueue>(100);
  QueueHandler handler(queue);
  EXPECT_EQ(allocations_of(sample(200), handler, *queue), 0);
}

TEST(QueueAllocationTest, ALargeOnesMemoryIsGivenBack) {
  const auto queue = std::make_shared<LogQueue>(100);
  QueueHandler handler(queue);
  EXPECT_GT(allocations_of(sample(100'000), handler, *queue), 0);
}

}  // namespace
}  // namespace logbus
