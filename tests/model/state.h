// SPDX-License-Identifier: MIT
// The machine's inside.
#pragma once

#include <csetjmp>
#include <cstdint>
#include <vector>

#include <logbus/detail/layout.h>

#include "machine.h"

#undef atomic
#undef memcpy

namespace logbus::model {

inline constexpr unsigned kMostThreads = 3;
inline constexpr unsigned kBuffer = 48;
inline constexpr std::size_t kStackBytes = 32 << 10;
inline constexpr std::size_t kHeapBytes = 16 << 10;

struct Word {
  Kind kind = Kind::kPlain;
  std::uint8_t owner = kEverybody;
  const char* name = "";
};
struct Range {
  std::byte* begin;
  std::size_t size;
  bool compared;
  std::vector<Word> words;  // one for each four bytes, if any is watched
};
struct Watched {
  const std::byte* begin;
  std::size_t size;
};

struct Store {
  std::byte* at;
  std::uint64_t value;
  std::uint8_t size;
  bool release;
};

enum class Step : std::uint8_t {
  kStores,
  kLoad,
  kUpdate,
  kFence,
  kClock,
  kBarrier,
  kWait,
  kWoken,
  kWake,
  kKernel,
  kDone,
  kFailed,
  kFlush
};

struct Thread {
  std::jmp_buf context;
  std::byte* stack_low;  // the lowest byte in use while it stands
  const char* name;
  void (*body)(unsigned);
  std::uint64_t history;  // of all that it has seen
  Step next;
  const void* next_at;
  std::uint64_t last_value;
  std::uint64_t last_clock;
  bool in_run;  // what is stored now belongs to the step that is being made
  bool reached;
  bool may_be_killed;
  bool killed;
  const void* sleeps_on;
  Store held_back;       // of a mutant
  const void* early_at;  // of a mutant
  std::uint64_t early_value;
  unsigned buffered;
  Store buffer[kBuffer];
};

struct Machine {
  Settings settings;
  std::vector<Range> ranges;
  std::vector<Watched> watched;
  bool (*is_unread)(const void* at) = nullptr;
  bool (*may_flush)(const void* at) = nullptr;
  const void* attention = nullptr;
  unsigned thread_count = 0;
  unsigned running = kEverybody;
  const char* failure = nullptr;
  std::uint64_t clock = 0;
  std::size_t heap_used = 0;
  bool heap_open = false;
  Thread threads[kMostThreads] = {};
  std::jmp_buf explorer;
  alignas(64) std::byte heap[kHeapBytes];
  alignas(64) std::byte stacks[kMostThreads][kStackBytes];
};
extern Machine machine;

inline std::uint64_t mix(std::uint64_t h, std::uint64_t value) {
  h = (h ^ value) * 0x9E3779B97F4A7C15U;
  return h ^ (h >> 29);
}
std::uint64_t hash(const void* at, std::size_t size, std::uint64_t h);

/// How what lies there is treated.
const Word& word_at(const void* at);
/// From a thread to the explorer, until it is chosen again.
void leave_thread(Thread& thread);
/// Entry `i` of the thread's store buffer reaches memory.
void flush(Thread& thread, unsigned i);

}  // namespace logbus::model
