// SPDX-License-Identifier: MIT
// LogQueue: two of Boost's wait-free rings, one for records on their way and one for the memory that comes
// back.
#include <logbus/log_queue.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include <boost/lockfree/spsc_queue.hpp>

#include <logbus/error.h>

#include "queue/record_bytes.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

// A record's memory, and how many bytes of it are accounted for.
struct Node {
  LogRecord record;
  std::size_t bytes = 0;
};

using Ring = boost::lockfree::spsc_queue<Node*>;

using queue::bytes_of;

// Memory that a record leaves behind is kept up to this much, or a full queue of large records would never
// shrink. A usual record has a tenth of it.
constexpr std::size_t kKeptBytes = 4096;

// A node without what its record holds, and its place in each of the three lists.
constexpr std::size_t kNodeBytes = sizeof(Node) + queue::kBlockBytes + 3 * sizeof(Node*);

// Producers that wait for room are woken when the consumer has made this part of it, since waking one for
// each record taken costs more than handling it. A slow consumer's room is found by looking from time to
// time.
constexpr std::size_t kBulkPart = 16;
constexpr milliseconds kLookAgain{5};

// A condition's deadline must not overflow the clock.
constexpr milliseconds kLongestWait = std::chrono::hours(24 * 365);

}  // namespace

// A node is a record's memory. It goes round:
//
//   spare -- put: filled, without the lock --> filled -- get: swapped with the caller's record --> emptied
//   --+
//     ^                                                                                                     |
//     +------------------------------ put, when it finds none to spare
//     <-------------------------------------+
//
// Boost's queue for many producers would need no lock, but reuses its own nodes by a tag of 16 bits: a thread
// that is stopped for 65,536 turns can corrupt it. Here the producers lock each other out for a few
// instructions, never while they copy a record; the consumer takes the lock only to sleep or to wake.
struct LogQueue::State {
  State(std::size_t capacity_, std::size_t memory_)
      : capacity(capacity_), memory(memory_), filled(capacity_), emptied(capacity_) {
    spare.reserve(capacity);
  }
  ~State();

  Node* take_node(std::size_t bytes, milliseconds timeout);
  bool wait_for_room(std::unique_lock<std::mutex>& guard, Clock::time_point deadline);
  Node* spare_node(std::size_t bytes);
  bool reserve(std::size_t bytes) noexcept;
  void settle(Node& node) noexcept;
  void push(Node* node);
  void give_back(Node* node) noexcept;
  bool pop(LogRecord& record);

  const std::size_t capacity;
  const std::size_t memory;

  Ring filled;                              // pushed with the lock, popped by the consumer
  Ring emptied;                             // pushed by the consumer, popped with the lock
  std::atomic<std::uint64_t> taken{0};      // by the consumer alone
  std::size_t emptied_since = 0;            // producers were woken; the consumer's own
  std::atomic<std::uint32_t> for_room{0};   // threads that wait in put(); written with the lock
  std::atomic<std::uint64_t> put_count{0};  // written with the lock
  // Of all nodes: it grows before the memory does, and shrinks after it has shrunk.
  std::atomic<std::size_t> used{0};
  // What `taken` was when there was no room; written with the lock.
  std::atomic<std::uint64_t> refused_at{kNever};
  static constexpr std::uint64_t kNever = static_cast<std::uint64_t>(-1);

  std::mutex lock;
  std::size_t nodes = 0;     // as many as were ever needed at once, or fit into the memory
  std::vector<Node*> spare;  // the last one used is the first one used again
  std::uint64_t done = 0;    // of those taken
  bool sleeping = false;     // the consumer, and nobody has woken it yet
  bool interrupted = false;
  std::condition_variable ready;     // the consumer waits for a record
  std::condition_variable room;      // producers wait for a node
  std::condition_variable all_done;  // join()
};

LogQueue::State::~State() {
  const auto destroy = [](Node* node) { delete node; };
  filled.consume_all(destroy);
  emptied.consume_all(destroy);
  std::for_each(spare.begin(), spare.end(), destroy);
}

bool LogQueue::State::reserve(std::size_t bytes) noexcept {
  std::size_t now = used.load(std::memory_order_relaxed);
  do {
    if (bytes > memory - now) return false;
  } while (!used.compare_exchange_weak(now, now + bytes, std::memory_order_relaxed));
  return true;
}

// After the copy, which seldom needs all that was reserved for it.
void LogQueue::State::settle(Node& node) noexcept {
  const std::size_t bytes = std::min(node.bytes, bytes_of(node.record));
  used.fetch_sub(node.bytes - bytes, std::memory_order_relaxed);
  node.bytes = bytes;
}

// With the lock: one that may grow by `bytes`, which are reserved. Null: the queue is full.
Node* LogQueue::State::spare_node(std::size_t bytes) {
  const auto find_spare = [this] {
    if (spare.empty()) emptied.consume_all([this](Node* node) { spare.push_back(node); });
    if (spare.empty()) return static_cast<Node*>(nullptr);
    Node* const node = spare.back();
    spare.pop_back();
    return node;
  };
  while (Node* const node = find_spare()) {
    if (reserve(bytes)) {
      node->bytes += bytes;
      return node;
    }
    // What it has kept makes room too.
    const std::size_t freed = kNodeBytes + node->bytes;
    delete node;
    --nodes;
    used.fetch_sub(freed, std::memory_order_relaxed);
  }
  if (nodes == capacity || !reserve(kNodeBytes + bytes)) return nullptr;
  Node* const node = new (std::nothrow) Node{{}, bytes};
  if (node == nullptr) {
    used.fetch_sub(kNodeBytes + bytes, std::memory_order_relaxed);
    throw std::bad_alloc();
  }
  ++nodes;
  return node;
}

Node* LogQueue::State::take_node(std::size_t bytes, milliseconds timeout) {
  if (bytes > memory - std::min(memory, kNodeBytes)) return nullptr;  // and never will have room
  std::unique_lock guard(lock);
  // With what pop() has emptied before: a refusal is not for want of that.
  const std::uint64_t taken_before = taken.load(std::memory_order_acquire);
  Node* node = spare_node(bytes);
  if (node == nullptr && timeout > milliseconds::zero()) {
    // Either the consumer sees that somebody waits, or what it has emptied is seen here: pop() stores `taken`
    // before it loads `for_room`, and all four are in one order.
    for_room.fetch_add(1, std::memory_order_seq_cst);
    const auto deadline = Clock::now() + std::min(timeout, kLongestWait);
    do {
      (void)taken.load(std::memory_order_seq_cst);
      node = spare_node(bytes);
    } while (node == nullptr && wait_for_room(guard, deadline));
    for_room.fetch_sub(1, std::memory_order_relaxed);  // too many is only a wake-up too many
  } else if (node == nullptr && (nodes == capacity || bytes <= kKeptBytes)) {  // a usual one would not fit
    refused_at.store(taken_before, std::memory_order_relaxed);
  }
  return node;
}

// False: the deadline has passed.
bool LogQueue::State::wait_for_room(std::unique_lock<std::mutex>& guard, Clock::time_point deadline) {
  const auto now = Clock::now();
  if (now >= deadline) return false;
  room.wait_until(guard, std::min<Clock::time_point>(deadline, now + kLookAgain));
  return true;
}

void LogQueue::State::push(Node* node) {
  bool wake = false;
  {
    const std::lock_guard guard(lock);
    filled.push(node);  // there is room: it holds all nodes
    put_count.store(put_count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    wake = std::exchange(sleeping, false);
  }
  if (wake) ready.notify_one();
}

void LogQueue::State::give_back(Node* node) noexcept {
  {
    const std::lock_guard guard(lock);
    settle(*node);
    spare.push_back(node);                                // reserved
    refused_at.store(kNever, std::memory_order_relaxed);  // there is room, and nothing was taken
  }
  room.notify_one();
}

bool LogQueue::State::pop(LogRecord& record) {
  Node* node = nullptr;
  if (!filled.pop(node)) return false;
  std::swap(record, node->record);
  std::size_t kept = bytes_of(node->record);
  if (kept > kKeptBytes || (kept > node->bytes && !reserve(kept - node->bytes))) {
    node->record = LogRecord();
    kept = 0;
  }
  if (kept < node->bytes) used.fetch_sub(node->bytes - kept, std::memory_order_relaxed);
  node->bytes = kept;
  emptied.push(node);
  taken.fetch_add(1, std::memory_order_seq_cst);
  ++emptied_since;
  if (for_room.load(std::memory_order_seq_cst) != 0 &&
      (emptied_since > capacity / kBulkPart || filled.read_available() == 0)) {
    emptied_since = 0;
    { const std::lock_guard guard(lock); }  // they have begun to wait
    room.notify_all();
  }
  return true;
}

LogQueue::LogQueue(std::size_t capacity, std::size_t memory) {
  if (capacity == 0 || memory == 0) throw Error(EINVAL, "a LogQueue needs room for one record at least");
  state_ = std::make_unique<State>(capacity, memory);
}

LogQueue::~LogQueue() = default;

bool LogQueue::put_nowait(const LogRecord& record) {
  return put(record, milliseconds::zero());
}

bool LogQueue::put(const LogRecord& record, milliseconds timeout) {
  Node* const node = state_->take_node(queue::copied_bytes_of(record), timeout);
  if (node == nullptr) return false;
  try {
    node->record = record;
  } catch (...) {
    state_->give_back(node);
    throw;
  }
  state_->settle(*node);
  state_->push(node);
  return true;
}

bool LogQueue::get(LogRecord& record, milliseconds timeout) {
  State& state = *state_;
  if (state.pop(record)) return true;
  if (timeout <= milliseconds::zero()) return false;
  {
    std::unique_lock guard(state.lock);
    state.sleeping = true;
    state.ready.wait_for(guard, std::min(timeout, kLongestWait),
                         [&state] { return state.interrupted || state.filled.read_available() != 0; });
    state.sleeping = false;
    if (state.filled.read_available() == 0) {
      state.interrupted = false;
      return false;
    }
  }
  return state.pop(record);
}

void LogQueue::task_done() {
  {
    const std::lock_guard guard(state_->lock);
    state_->done = state_->taken.load(std::memory_order_relaxed);  // this thread's own
  }
  state_->all_done.notify_all();
}

void LogQueue::interrupt() noexcept {
  {
    const std::lock_guard guard(state_->lock);
    state_->interrupted = true;
  }
  state_->ready.notify_one();
}

bool LogQueue::join(milliseconds timeout) {
  State& state = *state_;
  std::unique_lock guard(state.lock);
  return state.all_done.wait_for(guard, std::min(timeout, kLongestWait), [&state] {
    return state.done == state.put_count.load(std::memory_order_relaxed);
  });
}

std::size_t LogQueue::size() const noexcept {
  const std::uint64_t taken = state_->taken.load(std::memory_order_relaxed);
  const std::uint64_t put = state_->put_count.load(std::memory_order_relaxed);
  return put <= taken ? 0 : static_cast<std::size_t>(std::min<std::uint64_t>(put - taken, state_->capacity));
}

std::size_t LogQueue::capacity() const noexcept {
  return state_->capacity;
}

std::size_t LogQueue::used_memory() const noexcept {
  return state_->used.load(std::memory_order_relaxed);
}

std::size_t LogQueue::memory() const noexcept {
  return state_->memory;
}

bool LogQueue::is_still_full() const noexcept {
  return state_->refused_at.load(std::memory_order_relaxed) == state_->taken.load(std::memory_order_relaxed);
}

}  // namespace abi1
}  // namespace logbus
