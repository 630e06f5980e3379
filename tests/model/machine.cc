// SPDX-License-Identifier: MIT
// What threads do on the machine.
#include "machine.h"

#include "state.h"

namespace logbus::model {

const Word& word_at(const void* at) {
  const auto* byte = static_cast<const std::byte*>(at);
  for (const Range& range : machine.ranges)
    if (byte >= range.begin && byte < range.begin + range.size && !range.words.empty())
      return range.words[static_cast<std::size_t>(byte - range.begin) / 4];
  static const Word plain;
  return plain;
}

namespace {

std::uint64_t read_memory(const void* at, unsigned size) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, size);
  return value;
}

/// What the thread itself stored last is what it sees.
std::uint64_t read_as(const Thread& thread, const void* at, unsigned size) {
  for (unsigned i = thread.buffered; i-- > 0;)
    if (thread.buffer[i].at == at) return thread.buffer[i].value;
  return read_memory(at, size);
}

/// Lets the explorer choose who goes on. Back when it is this thread: the step `kind` is made then.
Thread& stop_before(Step kind, const void* at = nullptr) {
  Thread& thread = machine.threads[machine.running];
  thread.next = kind;
  thread.next_at = at;
  thread.in_run = false;
  leave_thread(thread);
  return thread;
}
void saw(Thread& thread, std::uint64_t value) {
  thread.last_value = value;
  thread.history = mix(mix(thread.history, static_cast<std::uint64_t>(thread.next)), value);
}

void push(Thread& thread, const Store& what) {
  if (!thread.in_run || machine.settings.kills) {
    stop_before(Step::kStores, what.at);
    saw(thread, what.value);
    thread.in_run = true;
  }
  if (thread.buffered == kBuffer) return fail("the machine's store buffers are too short");
  thread.buffer[thread.buffered++] = what;
}

/// Of a mutant: the next load from there gives what is there now.
void read_early(const void* at, unsigned size) {
  Thread& thread = machine.threads[machine.running];
  const std::uint64_t value = load(at, size);
  thread.early_value = value;
  thread.early_at = at;
}

}  // namespace

unsigned self() {
  return machine.running;
}

void fail(const char* what) {
  if (machine.failure == nullptr) machine.failure = what;
  if (machine.running != kEverybody) stop_before(Step::kFailed);
}

std::uint64_t load(const void* at, unsigned size) {
  if (machine.running == kEverybody) return read_memory(at, size);
  Thread& thread = machine.threads[machine.running];
  const Word& word = word_at(at);
  if (word.kind == Kind::kPlain) return read_memory(at, size);
  if (word.owner == machine.running) return read_as(thread, at, size);
  if (thread.early_at == at) {
    thread.early_at = nullptr;
    return thread.early_value;
  }
  if (word.kind == Kind::kBusy && machine.settings.mutant == Mutant::kCommittedBeforeBusy)
    read_early(static_cast<const std::byte*>(at) - offsetof(detail::ProducerLine, busy) +
                   offsetof(detail::ProducerLine, committed),
               8);
  if (word.kind == Kind::kOnce) {
    const std::uint64_t value = read_as(thread, at, size);
    thread.history = mix(thread.history, value);
    return value;
  }
  stop_before(Step::kLoad, at);
  const std::uint64_t value = read_as(thread, at, size);
  saw(thread, value);
  return value;
}

void store(void* at, unsigned size, std::uint64_t value, bool release) {
  const Word& word = word_at(at);
  if (machine.running == kEverybody || word.kind == Kind::kPlain) {
    std::memcpy(at, &value, size);
    return;
  }
  Thread& thread = machine.threads[machine.running];
  const Mutant mutant = machine.settings.mutant;
  const Store what{static_cast<std::byte*>(at), value, static_cast<std::uint8_t>(size),
                   release && !(mutant == Mutant::kCommittedRelaxed && word.kind == Kind::kCommitted)};
  if (mutant == Mutant::kBusyAfterClock && word.kind == Kind::kBusy && (value & 3) == 2) {
    thread.held_back = what;
    return;
  }
  if (mutant == Mutant::kAttentionTooEarly && word.kind == Kind::kCommitted) read_early(machine.attention, 4);
  push(thread, what);
}

void lock(void* at) {
  if (machine.running == kEverybody || word_at(at).kind == Kind::kPlain) return;
  stop_before(Step::kUpdate, at);
}
void unlock(void* at, std::uint64_t value) {
  if (machine.running == kEverybody || word_at(at).kind == Kind::kPlain) return;
  saw(machine.threads[machine.running], value);
}

void* copy(void* to, const void* from, std::size_t size) {
  if (machine.running == kEverybody ||
      (word_at(to).kind == Kind::kPlain && word_at(from).kind == Kind::kPlain))
    return std::memcpy(to, from, size);
  // Lane bytes: eight at a time, as they are aligned.
  auto* target = static_cast<std::byte*>(to);
  const auto* source = static_cast<const std::byte*>(from);
  for (std::size_t done = 0; done < size; done += 8) {
    const std::uint64_t value = load(source + done, 8);
    store(target + done, 8, value, false);
  }
  return to;
}

std::uint64_t clock() {
  if (machine.running == kEverybody) return machine.clock;
  Thread& thread = stop_before(Step::kClock);
  const std::uint64_t now = ++machine.clock;
  thread.last_clock = now;
  saw(thread, now);
  if (thread.held_back.at != nullptr) {
    const Store late = thread.held_back;
    thread.held_back.at = nullptr;
    push(thread, late);
  }
  return now;
}

void fence() {
  if (machine.running == kEverybody || machine.settings.mutant == Mutant::kNoFence) return;
  // Nothing to wait for, nothing to see.
  if (Thread& thread = machine.threads[machine.running]; thread.buffered != 0)
    saw(stop_before(Step::kFence), thread.buffered);
}

void membarrier() {
  if (machine.running == kEverybody || machine.settings.mutant == Mutant::kNoMembarrier) return;
  fence();
  const unsigned caller = machine.running;
  for (unsigned i = 0; i < machine.thread_count; ++i) {
    Thread& other = machine.threads[i];
    if (i == caller || !other.reached) continue;
    Thread& thread = stop_before(Step::kBarrier, other.name);
    while (other.buffered > 0) flush(other, 0);
    saw(thread, i);
  }
}

void wait(const void* word, std::uint32_t expected) {
  fence();
  Thread& thread = stop_before(Step::kWait, word);
  const std::uint64_t value = read_memory(word, sizeof expected);
  saw(thread, value);
  if (value != expected) return;
  thread.sleeps_on = word;
  saw(stop_before(Step::kWoken, word), 0);
}

void wake(const void* word) {
  if (machine.running == kEverybody) return;
  fence();
  Thread& thread = stop_before(Step::kWake, word);
  unsigned woken = 0;
  for (Thread& other : machine.threads)
    if (woken == 0 && other.sleeps_on == word) {
      other.sleeps_on = nullptr;
      ++woken;
    }
  saw(thread, woken);
}

void kernel_step() {
  if (machine.running == kEverybody) return;
  fence();
  saw(stop_before(Step::kKernel), 0);
}

bool asleep(unsigned thread) {
  return machine.threads[thread].sleeps_on != nullptr;
}

bool killed(unsigned thread) {
  return machine.threads[thread].killed;
}
std::uint64_t as_stored_by(unsigned thread, const void* at, unsigned size) {
  return read_as(machine.threads[thread], at, size);
}

void forget_all_but(const void* at, std::size_t size, bool with_heap) {
  Thread& thread = machine.threads[machine.running];
  if (machine.settings.remembers) return;
  thread.history = hash(at, size, 0);
  if (with_heap) thread.history = hash(machine.heap, machine.heap_used, thread.history);
}

}  // namespace logbus::model
