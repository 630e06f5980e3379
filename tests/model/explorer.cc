// SPDX-License-Identifier: MIT
// All sequences of steps, depth first.
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include "state.h"

namespace logbus::model {
namespace {

/// One step: thread `thread` goes on, or entry `store` of its buffer reaches memory.
struct Choice {
  std::uint8_t thread;
  std::uint8_t store;
};
constexpr std::uint8_t kGoOn = 0xFF;
constexpr std::uint8_t kKill = 0xFD;
constexpr std::uint8_t kSameTick = 0xFE;  // goes on, and its clock shows what another thread's has shown last
constexpr unsigned kMostChoices = kMostThreads * (kBuffer + 3);

/// States that have been there: an open table of their hashes.
class Seen {
 public:
  Seen() : table_(1 << 16) {}
  bool insert(std::uint64_t h) {
    h += h == 0;
    if (++count_ * 4 > table_.size() * 3) grow();
    return put(table_, h);
  }
  std::uint64_t count() const { return count_; }

 private:
  bool put(std::vector<std::uint64_t>& table, std::uint64_t h) {
    for (std::size_t i = h & (table.size() - 1);; i = (i + 1) & (table.size() - 1)) {
      if (table[i] == h) return --count_, false;
      if (table[i] == 0) return table[i] = h, true;
    }
  }
  void grow() {
    std::vector<std::uint64_t> larger(table_.size() * 2);
    for (const std::uint64_t h : table_)
      if (h != 0) put(larger, h);
    table_.swap(larger);
  }
  std::vector<std::uint64_t> table_;
  std::size_t count_ = 0;
};

/// The world at one moment.
class Snapshot {
 public:
  void take() {
    std::size_t size = 0;
    walk([&size](std::byte*, std::size_t n) { size += n; });
    if (bytes_.size() < size) bytes_.resize(size);
    std::byte* to = bytes_.data();
    walk([&to](std::byte* at, std::size_t n) {
      std::memcpy(to, at, n);
      to += n;
    });
    heap_used_ = machine.heap_used;
    clock_ = machine.clock;
  }
  void restore() const {
    machine.heap_used = heap_used_;
    machine.clock = clock_;
    const std::byte* from = bytes_.data();
    walk([&from](std::byte* at, std::size_t size) {
      std::memcpy(at, from, size);
      from += size;
    });
  }

 private:
  template <class F>
  static void walk(F each) {
    // The threads first: they say how much of their stacks there is.
    each(reinterpret_cast<std::byte*>(machine.threads), sizeof machine.threads);
    for (const Range& range : machine.ranges) each(range.begin, range.size);
    each(machine.heap, machine.heap_used);
    for (unsigned i = 0; i < machine.thread_count; ++i) {
      std::byte* low = machine.threads[i].stack_low;
      each(low, static_cast<std::size_t>(machine.stacks[i] + kStackBytes - low));
    }
  }
  std::vector<std::byte> bytes_;
  std::size_t heap_used_ = 0;
  std::uint64_t clock_ = 0;
};

struct Explorer {
  void (*at_end)();
  bool tell;
  Result result;
  Seen seen;
  Seen outcomes;
  std::vector<std::unique_ptr<Snapshot>> snapshots;
  std::vector<std::string> told;  // the steps up to the failure, last first
};
Explorer* explorer;

std::uint64_t hash_state() {
  std::uint64_t h = machine.clock;
  for (const Watched& watched : machine.watched) h = hash(watched.begin, watched.size, h);
  for (const Range& range : machine.ranges)
    if (range.compared) h = hash(range.begin, range.size, h);
  for (unsigned i = 0; i < machine.thread_count; ++i) {
    const Thread& thread = machine.threads[i];
    h = mix(h, thread.history);
    h = mix(h, (std::uint64_t{thread.buffered} << 8) | (thread.sleeps_on != nullptr) << 4 |
                   (thread.early_at != nullptr) << 5 | (thread.next == Step::kDone) << 6 |
                   thread.killed << 7);
    for (unsigned k = 0; k < thread.buffered; ++k) {
      const Store& store = thread.buffer[k];
      h = mix(mix(h, reinterpret_cast<std::uintptr_t>(store.at) + store.release), store.value);
    }
  }
  return h;
}

bool can_go_on(const Thread& thread) {
  switch (thread.next) {
    case Step::kDone:
    case Step::kFailed:
      return false;
    case Step::kUpdate:
    case Step::kFence:
      return thread.buffered == 0;
    case Step::kWoken:
      return thread.sleeps_on == nullptr;
    default:
      return true;
  }
}

bool can_flush(const Thread& thread, unsigned i) {
  if (i == 0) return true;
  if (machine.settings.model == Model::kTso || thread.buffer[i].release) return false;
  for (unsigned k = 0; k < i; ++k)
    if (thread.buffer[k].at == thread.buffer[i].at) return false;
  return true;
}

/// A store that no thread can notice for now can go to memory at once: whatever is done before it can be done
/// after it just as well.
bool is_unnoticed(const Thread& thread) {
  return machine.settings.model == Model::kTso && thread.buffered > 0 &&
         word_at(thread.buffer[0].at).kind == Kind::kOnce && machine.is_unread(thread.buffer[0].at);
}

unsigned choices_here(Choice* choices) {
  unsigned count = 0;
  for (unsigned i = 0; i < machine.thread_count; ++i)
    if (is_unnoticed(machine.threads[i])) {
      choices[0] = {static_cast<std::uint8_t>(i), 0};
      return 1;
    }
  bool kill = machine.settings.kills;
  for (unsigned i = 0; i < machine.thread_count; ++i) kill &= !machine.threads[i].killed;
  for (unsigned i = 0; i < machine.thread_count; ++i) {
    const Thread& thread = machine.threads[i];
    if (kill && thread.may_be_killed && thread.next != Step::kDone)
      choices[count++] = {static_cast<std::uint8_t>(i), kKill};
    if (can_go_on(thread)) choices[count++] = {static_cast<std::uint8_t>(i), kGoOn};
    if (machine.settings.ties && thread.next == Step::kClock && thread.last_clock < machine.clock)
      choices[count++] = {static_cast<std::uint8_t>(i), kSameTick};
    for (unsigned k = 0; k < thread.buffered; ++k)
      if (can_flush(thread, k))
        choices[count++] = {static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(k)};
  }
  return count;
}

[[gnu::noinline]] void go_on(unsigned index) {
  machine.running = index;
  if (_setjmp(machine.explorer) == 0) _longjmp(machine.threads[index].context, 1);
  machine.running = kEverybody;
}

void take(const Choice& choice) {
  if (choice.store < kKill) return flush(machine.threads[choice.thread], choice.store);
  if (choice.store == kKill) {
    Thread& thread = machine.threads[choice.thread];
    thread.next = Step::kDone;
    thread.killed = true;
    thread.history = 0;  // nothing will follow from it
    return;
  }
  if (choice.store == kSameTick) --machine.clock;
  go_on(choice.thread);
}

std::string name_of(const void* at) {
  const auto* byte = static_cast<const std::byte*>(at);
  for (const Range& range : machine.ranges)
    if (byte >= range.begin && byte < range.begin + range.size && !range.words.empty()) {
      const auto offset = static_cast<std::size_t>(byte - range.begin);
      return std::string(range.words[offset / 4].name);
    }
  return "?";
}

std::string describe(const Choice& choice, Step step, const void* at, const Store& store) {
  const Thread& thread = machine.threads[choice.thread];
  std::string text = std::string(thread.name) + ": ";
  if (choice.store < kKill)
    return text + "        " + name_of(store.at) + " <- " + std::to_string(store.value);
  if (choice.store == kKill) return text + "is killed";
  const std::string value = std::to_string(thread.last_value);
  switch (step) {
    case Step::kStores:
      text += "stores into its buffer:";
      for (unsigned i = 0; i < thread.buffered; ++i) text += " " + name_of(thread.buffer[i].at);
      return text;
    case Step::kLoad:
      return text + "reads " + name_of(at) + ": " + value;
    case Step::kUpdate:
      return text + "changes " + name_of(at) + ", was " + value;
    case Step::kFence:
      return text + "fence";
    case Step::kClock:
      return text + "reads the clock: " + value;
    case Step::kBarrier:
      return text + "barrier on " + static_cast<const char*>(at);
    case Step::kWait:
      return text + (thread.sleeps_on != nullptr ? "sleeps on " : "does not sleep on ") + name_of(at);
    case Step::kWoken:
      return text + "is woken";
    case Step::kWake:
      return text + "wakes " + value;
    case Step::kKernel:
      return text + "punches";
    default:
      return text + "?";
  }
}

/// Goes through all that can come from here. False: a failure, or enough.
bool visit(std::size_t depth) {
  Explorer& e = *explorer;
  if (machine.failure != nullptr) return false;
  if (!e.seen.insert(hash_state())) return true;
  if (e.seen.count() > machine.settings.most_states) return false;
  e.result.deepest = std::max<std::uint64_t>(e.result.deepest, depth);
  Choice choices[kMostChoices];
  const unsigned count = choices_here(choices);
  if (e.snapshots.size() <= depth) e.snapshots.push_back(std::make_unique<Snapshot>());
  if (count != 1 || e.tell) e.snapshots[depth]->take();
  if (count == 0) {
    ++e.result.ends;
    std::uint64_t outcome = 0;
    for (const Range& range : machine.ranges)
      if (range.compared) outcome = hash(range.begin, range.size, outcome);
    if (e.outcomes.insert(outcome)) e.result.outcomes ^= outcome;
    e.at_end();
    if (machine.failure != nullptr) return false;
    e.snapshots[depth]->restore();
    return true;
  }
  for (unsigned i = 0; i < count; ++i) {
    if (i != 0) e.snapshots[depth]->restore();
    Thread& thread = machine.threads[choices[i].thread];
    const Step step = thread.next;
    const void* at = thread.next_at;
    const Store store = choices[i].store < kKill ? thread.buffer[choices[i].store] : Store{};
    ++e.result.steps;
    take(choices[i]);
    if (!visit(depth + 1)) {
      if (e.tell && machine.failure != nullptr) {  // once more, to see what it was
        const char* failure = machine.failure;
        e.snapshots[depth]->restore();
        take(choices[i]);
        machine.failure = failure;
        e.told.push_back(describe(choices[i], step, at, store));
      }
      return false;
    }
  }
  return true;
}

}  // namespace

Result explore(void (*at_end)(), bool tell) {
  Explorer here{at_end, tell, {}, {}, {}, {}, {}};
  explorer = &here;
  const bool complete = visit(0);
  here.result.complete = complete;
  here.result.states = here.seen.count();
  here.result.failure = machine.failure;
  for (auto step = here.told.rbegin(); step != here.told.rend(); ++step) std::printf("  %s\n", step->c_str());
  explorer = nullptr;
  return here.result;
}

}  // namespace logbus::model
