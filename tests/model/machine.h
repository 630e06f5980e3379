// SPDX-License-Identifier: MIT
// A machine with few threads and store buffers, which runs them in every order that there is.
//
//   thread --store--> [ store buffer ] --flush--> memory <--load, clock, read-modify-write-- thread
//
// Each arrow but the first is a step of its own. The explorer goes through all sequences of steps, depth
// first: it saves the world (memory, stacks, the reader's heap), takes a step, and comes back for the next
// one. A state that has been there is not entered again: that is what memory, buffers, clock and everything
// that each thread has seen so far make, and a thread does nothing but what follows from that.
//
// A run of stores goes into the buffer in one step, right before the next thing that the thread does. Nobody
// sees a buffer but a barrier that empties it; and a barrier in the middle of a run is what a barrier before
// the run, the whole run, and the flush of its first part make.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace logbus::model {

/// Which stores may overtake which: none (x86), or those to other words unless they are releases (weaker
/// machines).
enum class Model { kTso, kPso };

/// What lies at an address. kPlain: no step of its own, everybody sees it at once (counts, what is never
/// written). kData: a lane's bytes. kOnce: lane's bytes of which each is written once, so that seeing them as
/// early as can be is the worst that can happen to a reader: no step of its own for it.
enum class Kind : std::uint8_t { kPlain, kWord, kBusy, kCommitted, kAttention, kData, kOnce };

/// One step of the protocol broken, by the machine.
enum class Mutant {
  kNone,
  kCommittedBeforeBusy,  // the reader reads `committed` first
  kNoMembarrier,
  kBusyAfterClock,    // the writer says "stamping" after it has read the clock
  kCommittedRelaxed,  // the store of `committed` is no release
  kNoFence,           // a writer without membarrier does not fence itself
  kNoSecondLook,      // the reader does not look again before it sleeps
  kAttentionTooEarly  // a writer looks whether the reader sleeps before it commits
};

inline constexpr unsigned kEverybody = 0xFF;

// --- The world
// ------------------------------------------------------------------------------------------------------

struct Settings {
  Model model = Model::kTso;
  Mutant mutant = Mutant::kNone;
  bool remembers = false;  // forget_all_but() forgets nothing: more states, the same outcomes
  bool kills = false;  // one of the threads that may be killed is, or none, before any of its instructions
  bool ties = false;   // two processors' clocks may show the same
  std::uint64_t most_states = 200'000'000;  // 8 bytes each
};
/// Forgets everything.
void reset(const Settings& settings);
const Settings& settings();
/// [at, at + size) is part of the world: saved, restored.
void keep(void* at, std::size_t size);
/// Like keep(), and part of what makes a state: what the checks know.
void keep_and_compare(void* at, std::size_t size);
/// How accesses to [at, at + size) are treated, all within one range of keep(). `owner`: the only thread that
/// writes there, which sees its own stores in any case.
void watch(const void* at, std::size_t size, Kind kind, unsigned owner, const char* name);
/// Tells of kOnce bytes whether no thread can be about to read them: for a reader that reads only what is
/// committed, those beyond what `committed` says in memory.
void set_unread(bool (*is_unread)(const void* at));
/// Asked about each store to kData that reaches memory: may it?
void set_may_flush(bool (*may_flush)(const void* at));
/// Starts a thread with the next number. `reached`: threads that membarrier reaches.
void spawn(void (*body)(unsigned), const char* name, bool reached, bool may_be_killed = false);
/// Objects made in between lie in the world.
void allocate_in_world(bool yes);

struct Result {
  std::uint64_t states = 0, steps = 0, ends = 0, deepest = 0;
  std::uint64_t outcomes = 0;  // stands for the set of what the checks know at the ends
  bool complete = false;
  const char* failure = nullptr;  // what is wrong
};
/// All there is, or up to the first failure, whose steps it prints if `tell`. `at_end`: nothing can go on; it
/// runs outside of the threads.
Result explore(void (*at_end)(), bool tell);

// --- For the threads
// ------------------------------------------------------------------------------------------------

/// The running thread; kEverybody outside of them.
unsigned self();
/// This must not be: ends this sequence of steps.
void fail(const char* what);
/// The thread's future hangs on these bytes and the world alone, not on what it saw before nor on its local
/// variables: were it otherwise, two states would be taken for one. Add what lies in the world's heap by
/// `with_heap`.
void forget_all_but(const void* at, std::size_t size, bool with_heap);
/// The bus's clock: never twice the same.
std::uint64_t clock();
/// A barrier on each thread that it reaches, one after the other, between two steps of theirs.
void membarrier();
void fence();
/// Sleeps until somebody wakes, if the word has this value still.
void wait(const void* word, std::uint32_t expected);
void wake(const void* word);
bool asleep(unsigned thread);
bool killed(unsigned thread);
/// What memory holds at the end if this thread stores nothing more: what lies in its buffer gets there.
std::uint64_t as_stored_by(unsigned thread, const void* at, unsigned size);

/// A step of the kernel's on memory: what the caller does next, all at once.
void kernel_step();

std::uint64_t load(const void* at, unsigned size);
void store(void* at, unsigned size, std::uint64_t value, bool release);
/// Before a read-modify-write: the buffer is empty, and nobody comes in between until the next step.
void lock(void* at);
void unlock(void* at, std::uint64_t value);
void* copy(void* to, const void* from, std::size_t size);

/// std::atomic, on the machine.
template <class T>
class Atomic {
 public:
  static constexpr bool is_always_lock_free = true;
  Atomic() noexcept = default;
  constexpr Atomic(T value) noexcept : value_(value) {}
  Atomic(const Atomic&) = delete;
  Atomic& operator=(const Atomic&) = delete;

  T load(std::memory_order = std::memory_order_seq_cst) const noexcept {
    return static_cast<T>(model::load(this, sizeof(T)));
  }
  void store(T value, std::memory_order order = std::memory_order_seq_cst) noexcept {
    model::store(this, sizeof(T), static_cast<std::uint64_t>(value), order != std::memory_order_relaxed);
    if (order == std::memory_order_seq_cst) fence();
  }
  T fetch_add(T n, std::memory_order = std::memory_order_seq_cst) noexcept {
    return update([n](T old) { return static_cast<T>(old + n); });
  }
  T fetch_sub(T n, std::memory_order = std::memory_order_seq_cst) noexcept {
    return update([n](T old) { return static_cast<T>(old - n); });
  }
  T fetch_or(T bits, std::memory_order = std::memory_order_seq_cst) noexcept {
    return update([bits](T old) { return static_cast<T>(old | bits); });
  }
  T fetch_and(T bits, std::memory_order = std::memory_order_seq_cst) noexcept {
    return update([bits](T old) { return static_cast<T>(old & bits); });
  }
  T exchange(T value, std::memory_order = std::memory_order_seq_cst) noexcept {
    return update([value](T) { return value; });
  }
  bool compare_exchange_strong(T& expected, T wanted, std::memory_order = std::memory_order_seq_cst,
                               std::memory_order = std::memory_order_seq_cst) noexcept {
    const T was = expected;
    expected = update([was, wanted](T old) { return old == was ? wanted : old; });
    return expected == was;
  }

 private:
  template <class F>
  T update(F change) noexcept {
    lock(this);
    const T old = value_;
    value_ = change(old);
    unlock(this, static_cast<std::uint64_t>(old));
    return old;
  }
  T value_;
};

}  // namespace logbus::model
