// SPDX-License-Identifier: MIT
// The world: what is kept, threads on stacks of their own, the reader's heap.
#include <ucontext.h>

#include <cstdlib>
#include <new>

#include "state.h"

namespace logbus::model {

Machine machine;

namespace {

/// The first entry into a thread, on its own stack.
void begin_thread() {
  Thread& thread = machine.threads[machine.running];
  thread.next = Step::kWoken;
  thread.sleeps_on = nullptr;
  leave_thread(thread);
  thread.history = 1;  // under way
  thread.body(machine.running);
  thread.next = Step::kDone;
  leave_thread(thread);
}

}  // namespace

std::uint64_t hash(const void* at, std::size_t size, std::uint64_t h) {
  const auto* byte = static_cast<const std::byte*>(at);
  std::uint64_t word = 0;
  for (; size >= 8; size -= 8, byte += 8) {
    std::memcpy(&word, byte, 8);
    h = mix(h, word);
  }
  word = 0;
  std::memcpy(&word, byte, size);
  return mix(h, word);
}

// Not inlined: what it keeps on the stack lies below all that its caller has there.
[[gnu::noinline]] void leave_thread(Thread& thread) {
  // With the registers that setjmp does not keep, and what the compiler puts below the frame.
  thread.stack_low = static_cast<std::byte*>(__builtin_frame_address(0)) - 512;
  if (_setjmp(thread.context) == 0) _longjmp(machine.explorer, 1);
}

void flush(Thread& thread, unsigned i) {
  const Store store = thread.buffer[i];
  if (machine.may_flush != nullptr && word_at(store.at).kind == Kind::kData && !machine.may_flush(store.at))
    machine.failure = "a store into memory that is not there";
  std::memcpy(store.at, &store.value, store.size);
  --thread.buffered;
  for (unsigned k = i; k < thread.buffered; ++k) thread.buffer[k] = thread.buffer[k + 1];
  thread.buffer[thread.buffered] = {};
}

void reset(const Settings& settings) {
  machine.settings = settings;
  machine.ranges.clear();
  machine.watched.clear();
  machine.thread_count = 0;
  machine.failure = nullptr;
  machine.is_unread = nullptr;
  machine.may_flush = nullptr;
  machine.clock = 1'000'000;
  machine.heap_used = 0;
  std::memset(static_cast<void*>(machine.threads), 0, sizeof machine.threads);
  std::memset(machine.heap, 0, sizeof machine.heap);
}
const Settings& settings() {
  return machine.settings;
}
void keep(void* at, std::size_t size) {
  machine.ranges.push_back({static_cast<std::byte*>(at), size, false, {}});
}
void keep_and_compare(void* at, std::size_t size) {
  machine.ranges.push_back({static_cast<std::byte*>(at), size, true, {}});
}
void watch(const void* at, std::size_t size, Kind kind, unsigned owner, const char* name) {
  const auto* byte = static_cast<const std::byte*>(at);
  if (kind == Kind::kAttention) machine.attention = at;
  for (Range& range : machine.ranges) {
    if (byte < range.begin || byte >= range.begin + range.size) continue;
    if (range.words.empty()) range.words.resize(range.size / 4);
    for (std::size_t i = 0; i < size; i += 4)
      range.words[(static_cast<std::size_t>(byte - range.begin) + i) / 4] = {
          kind, static_cast<std::uint8_t>(owner), name};
    machine.watched.push_back({byte, size});
    return;
  }
  std::abort();
}

void set_may_flush(bool (*may_flush)(const void* at)) {
  machine.may_flush = may_flush;
}
void set_unread(bool (*is_unread)(const void* at)) {
  machine.is_unread = is_unread;
}

void spawn(void (*body)(unsigned), const char* name, bool reached, bool may_be_killed) {
  const unsigned index = machine.thread_count++;
  Thread& thread = machine.threads[index];
  thread.name = name;
  thread.body = body;
  thread.reached = reached;
  thread.may_be_killed = may_be_killed;
  ucontext_t here;
  ucontext_t there;
  ::getcontext(&there);
  there.uc_stack.ss_sp = machine.stacks[index];
  there.uc_stack.ss_size = kStackBytes;
  there.uc_link = nullptr;
  ::makecontext(&there, begin_thread, 0);
  machine.running = index;
  if (_setjmp(machine.explorer) == 0) ::swapcontext(&here, &there);
  machine.running = kEverybody;
}

void allocate_in_world(bool yes) {
  machine.heap_open = yes;
}

}  // namespace logbus::model

// The reader's heap is part of the world while its threads run; nothing in it is given back.
namespace {
using logbus::model::machine;
bool in_world(const void* at) {
  const auto* byte = static_cast<const std::byte*>(at);
  return byte >= machine.heap && byte < machine.heap + sizeof machine.heap;
}
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  if (!machine.heap_open && machine.running == logbus::model::kEverybody) {
    if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
    std::abort();
  }
  const std::size_t at = machine.heap_used;
  machine.heap_used += (size + 15) & ~std::size_t{15};
  if (machine.heap_used > sizeof machine.heap) std::abort();
  return machine.heap + at;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  if (!in_world(memory)) std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  if (!in_world(memory)) std::free(memory);
}
