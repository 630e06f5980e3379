// SPDX-License-Identifier: MIT
// The calling thread's lane.
#include "producer/thread_lane.h"

#include <limits.h>
#include <pthread.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include <logbus/detail/clock.h>
#include <logbus/detail/hot_thread.h>

#include "base/process_identity.h"
#include "producer/site_ids.h"
#include "producer/wiped_memory.h"
#include "shm/lane_directory.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

constinit thread_local HotThread hot_thread __attribute__((tls_model("initial-exec"))) = {};
constinit thread_local Scratch thread_scratch __attribute__((tls_model("initial-exec")));

}  // namespace detail
}  // namespace abi1
}  // namespace logbus

namespace logbus::producer {
namespace {

using detail::hot_thread;
using detail::LaneWriter;
using detail::thread_scratch;

/// A state has its own pair of cache lines: its neighbours are written by other threads.
struct alignas(128) Block {
  ThreadState state;
  Block* next_free;
};
constexpr std::uint32_t kBlocksPerChunk = 64;
constexpr std::uint32_t kChunks = 4096;
constexpr std::uint64_t kClaimAgainAfterNs = 100'000'000;
constexpr int kReclaims = 8;

// In ordinary memory, which a child inherits: a block from before the fork is never given out again there,
// since the thread that forked still points to its own.
std::atomic<std::uint32_t> next_block{0};
std::atomic<Block*> chunks[kChunks];

constinit thread_local std::atomic<ThreadState*> own_state{nullptr};  // a signal handler may be quicker
constinit thread_local bool ended = false;
constinit thread_local char own_name[64] = {};
constinit thread_local bool has_own_name = false;

Block* new_block() noexcept {
  const std::uint32_t index = next_block.fetch_add(1, std::memory_order_relaxed);
  if (index / kBlocksPerChunk >= kChunks) return nullptr;
  std::atomic<Block*>& place = chunks[index / kBlocksPerChunk];
  Block* chunk = place.load(std::memory_order_acquire);
  if (chunk == nullptr) {
    auto* made = static_cast<Block*>(wiped_on_fork(kBlocksPerChunk * sizeof(Block)));
    if (made == nullptr) return nullptr;
    // Who loses the race leaves 16 KiB of untouched address space behind.
    chunk = place.compare_exchange_strong(chunk, made, std::memory_order_acq_rel) ? made : place.load();
  }
  return &chunk[index % kBlocksPerChunk];
}

Block* take_block() noexcept {
  ProcessState* process = process_state();
  if (process == nullptr) return nullptr;
  if (const TryLock lock(process->pool_lock); lock) {
    if (auto* block = static_cast<Block*>(process->free_threads)) {
      process->free_threads = block->next_free;
      return block;
    }
  }
  return new_block();
}

void give_back_block(Block* block) noexcept {
  ProcessState* process = process_state();
  std::memset(static_cast<void*>(block), 0, sizeof *block);
  const TryLock lock(process->pool_lock);
  if (!lock) return;  // lost to this process: a few hundred bytes
  block->next_free = static_cast<Block*>(process->free_threads);
  process->free_threads = block;
}

void end_thread() noexcept {
  ended = true;
  if (ThreadState* state = own_state.exchange(nullptr, std::memory_order_relaxed)) {
    give_up_lane(*state);
    give_back_block(reinterpret_cast<Block*>(state));
  }
  // Not under a record that is being made: that of a late destructor may come by here before its parts are
  // written.
  if (thread_scratch.size() == 0) thread_scratch.release();
}

/// A signal handler that comes meanwhile finds no lane, only where to count its record.
class Changing {
 public:
  explicit Changing(ThreadState& state) noexcept : state_(state) {
    state_.changing = true;
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~Changing() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    state_.changing = false;
  }
  Changing(const Changing&) = delete;
  Changing& operator=(const Changing&) = delete;

 private:
  ThreadState& state_;
};

void count_handlers_losses(ThreadState& state, Membership& membership) noexcept {
  for (std::size_t severity = 0; severity < detail::kSeverities; ++severity)
    if (const std::uint32_t lost = state.lost[severity].exchange(0, std::memory_order_relaxed))
      count_lost(membership, severity, lost);
}

void close_lane(ThreadState& state) noexcept {
  hot_thread.writer = nullptr;
  if (!state.owner.has_lane()) return;
  count_handlers_losses(state, *state.membership);
  state.owner.close();
  leave(std::exchange(state.membership, nullptr));
}

/// Of a record that is nobody's but the thread's own.
LaneResult find_lane(ThreadState& state, int levelno) noexcept {
  const Changing guard(state);
  // Each round has seen the bus replaced.
  for (int round = 0; round < 16; ++round) {
    if (state.owner.has_lane()) {
      const bool retired = state.membership->attachment->segment().is_retired();
      if (!retired && is_current(state.membership)) {
        state.owner.writer.nested = 1;
        return LaneResult::kOk;
      }
      if (retired) forsake(state.membership);
      close_lane(state);
    }
    Membership* membership = join();
    if (membership == nullptr) return LaneResult::kNoBus;
    count_handlers_losses(state, *membership);
    const bool try_now = detail::clock_ns(CLOCK_MONOTONIC) >= state.retry_at_ns;
    const auto claim_lane = [&] {
      return state.owner.claim(*membership->attachment, base::thread_id(), current_thread_name());
    };
    shm::Claim claim = try_now ? claim_lane() : shm::Claim::kNoLane;
    // Again, since other threads that look for a lane may be quicker.
    for (int again = 0; try_now && claim == shm::Claim::kNoLane && again < kReclaims; ++again) {
      if (!shm::reclaim_a_lane(membership->attachment->segment())) break;
      claim = claim_lane();
    }
    if (claim == shm::Claim::kOk) {
      state.membership = membership;
      const SiteTable table = site_table_of(membership->attachment->segment());
      hot_thread.sites = table.entries;
      hot_thread.site_mask = table.mask;
      state.owner.writer.nested = 1;
      // Last: from here on the quick path is open.
      std::atomic_signal_fence(std::memory_order_seq_cst);
      hot_thread.writer = state.close_after_record ? nullptr : &state.owner.writer;
      return LaneResult::kOk;
    }
    if (claim == shm::Claim::kRetired) {
      forsake(membership);
      leave(membership);
      continue;
    }
    if (try_now) state.retry_at_ns = detail::clock_ns(CLOCK_MONOTONIC) + kClaimAgainAfterNs;
    count_lost(*membership, detail::severity_of(levelno));
    tell_loss(*membership);
    leave(membership);
    return LaneResult::kLost;
  }
  return LaneResult::kNoBus;
}

pthread_key_t end_key() noexcept;

/// Other keys' destructors may log, so ours comes back for another round. C++'s thread_locals are gone by
/// then. Not in the very last: ThreadSanitizer has taken down the thread by then. What is logged there has a
/// lane for itself.
extern "C" void logbus_thread_ends(void* round) {
  const auto n = reinterpret_cast<std::uintptr_t>(round);
  if (n + 1 < PTHREAD_DESTRUCTOR_ITERATIONS &&
      ::pthread_setspecific(end_key(), reinterpret_cast<void*>(n + 1)) == 0)
    return;
  end_thread();
}

pthread_key_t end_key() noexcept {
  static const pthread_key_t key = [] {
    pthread_key_t made = 0;
    ::pthread_key_create(&made, &logbus_thread_ends);
    return made;
  }();
  return key;
}

}  // namespace

ThreadState* thread_state() noexcept {
  ThreadState* state = own_state.load(std::memory_order_relaxed);
  if (state == nullptr) {
    Block* block = take_block();
    if (block == nullptr) return nullptr;
    if (own_state.compare_exchange_strong(state, &block->state, std::memory_order_relaxed)) {
      state = &block->state;
      if (!ended) ::pthread_setspecific(end_key(), reinterpret_cast<void*>(std::uintptr_t{1}));
    } else {
      give_back_block(block);
    }
  }
  state->close_after_record = ended;
  return state;
}

LaneResult need_lane(ThreadState& state, int levelno) noexcept {
  if (state.changing || state.owner.writer.nested != 0) {
    if (state.changing || !state.owner.has_lane())
      state.lost[detail::severity_of(levelno)].fetch_add(1, std::memory_order_relaxed);
    else
      state.owner.count_drop(levelno, detail::DropReason::kNested);
    return LaneResult::kNested;
  }
  const LaneResult result = find_lane(state, levelno);
  if (result == LaneResult::kOk) count_handlers_losses(state, *state.membership);
  return result;
}

bool enter_lane(ThreadState& state) noexcept {
  if (state.changing || !state.owner.writer.enter()) return false;
  if (state.owner.has_lane()) return true;
  state.owner.writer.leave();
  return false;
}

void give_up_lane(ThreadState& state) noexcept {
  const Changing guard(state);
  close_lane(state);
}

void after_record(ThreadState& state) noexcept {
  if (state.close_after_record) end_thread();
}

std::string_view current_thread_name() noexcept {
  if (has_own_name) return own_name;
  static_assert(sizeof own_name >= 16);  // the kernel's names have 15 bytes
  if (::pthread_getname_np(::pthread_self(), own_name, sizeof own_name) != 0) own_name[0] = '\0';
  return own_name;
}

void remember_thread_name(std::string_view name) noexcept {
  const std::size_t size = std::min(name.size(), sizeof own_name - 1);
  std::memcpy(own_name, name.data(), size);
  own_name[size] = '\0';
  has_own_name = true;
}

}  // namespace logbus::producer
