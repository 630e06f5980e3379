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
#include <utility>
#include <vector>

#include <boost/lockfree/spsc_queue.hpp>

#include <logbus/error.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;
using Ring = boost::lockfree::spsc_queue<LogRecord*>;

// Memory that a record leaves behind is kept up to this much, or a full queue of large records would never
// shrink. A usual record has a tenth of it.
constexpr std::size_t kKeptBytes = 4096;

// Producers that wait for room are woken when the consumer has made this part of it, since waking one for
// each record taken costs more than handling it. A slow consumer's room is found by looking from time to
// time.
constexpr std::size_t kBulkPart = 16;
constexpr milliseconds kLookAgain{5};

// A condition's deadline must not overflow the clock.
constexpr milliseconds kLongestWait = std::chrono::hours(24 * 365);

std::size_t bytes_of(const Value& value);

std::size_t bytes_of(const List& items) {
  std::size_t bytes = items.capacity() * sizeof(Value);
  for (const Value& item : items) bytes += bytes_of(item);
  return bytes;
}

std::size_t bytes_of(const Value& value) {
  if (const auto* text = value.get_if<std::string>()) return text->capacity();
  if (const auto* text = value.get_if<Text>()) return text->text.capacity();
  if (const auto* list = value.get_if<List>()) return bytes_of(*list);
  if (const auto* tuple = value.get_if<Tuple>()) return bytes_of(tuple->items);
  if (const auto* set = value.get_if<Set>()) return bytes_of(set->items);
  std::size_t bytes = 0;
  if (const auto* dict = value.get_if<Dict>()) {
    bytes = dict->capacity() * sizeof(Dict::value_type);
    for (const auto& [key, item] : *dict) bytes += bytes_of(key) + bytes_of(item);
  }
  return bytes;
}

std::size_t bytes_of(const Fields& fields) {
  std::size_t bytes = fields.capacity() * sizeof(Fields::value_type);
  for (const auto& [key, value] : fields) bytes += key.capacity() + bytes_of(value);
  return bytes;
}

// Of what calls make, not of names and paths.
std::size_t bytes_of(const LogRecord& record) {
  return bytes_of(record.msg) + bytes_of(record.args) + record.exc_text.capacity() +
         record.stack_info.capacity() + bytes_of(record.extra) + bytes_of(record.overrides);
}

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
  explicit State(std::size_t capacity_) : capacity(capacity_), filled(capacity_), emptied(capacity_) {
    spare.reserve(capacity);
  }

  LogRecord* take_node(milliseconds timeout);
  bool wait_for_room(std::unique_lock<std::mutex>& guard, Clock::time_point deadline);
  LogRecord* spare_node();
  void push(LogRecord* node);
  void give_back(LogRecord* node) noexcept;
  bool pop(LogRecord& record);

  const std::size_t capacity;

  Ring filled;                              // pushed with the lock, popped by the consumer
  Ring emptied;                             // pushed by the consumer, popped with the lock
  std::atomic<std::uint64_t> taken{0};      // by the consumer alone
  std::size_t emptied_since = 0;            // producers were woken; the consumer's own
  std::atomic<std::uint32_t> for_room{0};   // threads that wait in put(); written with the lock
  std::atomic<std::uint64_t> put_count{0};  // written with the lock

  std::mutex lock;
  std::vector<std::unique_ptr<LogRecord>> nodes;  // as many as were ever needed at once
  std::vector<LogRecord*> spare;                  // the last one used is the first one used again
  std::uint64_t done = 0;                         // of those taken
  bool sleeping = false;                          // the consumer, and nobody has woken it yet
  bool interrupted = false;
  std::condition_variable ready;     // the consumer waits for a record
  std::condition_variable room;      // producers wait for a node
  std::condition_variable all_done;  // join()
};

// With the lock. Null: the queue is full.
LogRecord* LogQueue::State::spare_node() {
  if (spare.empty()) emptied.consume_all([this](LogRecord* node) { spare.push_back(node); });
  if (!spare.empty()) {
    LogRecord* const node = spare.back();
    spare.pop_back();
    return node;
  }
  if (nodes.size() == capacity) return nullptr;
  return nodes.emplace_back(std::make_unique<LogRecord>()).get();
}

LogRecord* LogQueue::State::take_node(milliseconds timeout) {
  std::unique_lock guard(lock);
  LogRecord* node = spare_node();
  if (node != nullptr || timeout <= milliseconds::zero()) return node;
  // Either the consumer sees that somebody waits, or what it has emptied is seen here: pop() stores `taken`
  // before it loads `for_room`, and all four are in one order.
  for_room.fetch_add(1, std::memory_order_seq_cst);
  const auto deadline = Clock::now() + std::min(timeout, kLongestWait);
  do {
    (void)taken.load(std::memory_order_seq_cst);
    node = spare_node();
  } while (node == nullptr && wait_for_room(guard, deadline));
  for_room.fetch_sub(1, std::memory_order_relaxed);  // too many is only a wake-up too many
  return node;
}

// False: the deadline has passed.
bool LogQueue::State::wait_for_room(std::unique_lock<std::mutex>& guard, Clock::time_point deadline) {
  const auto now = Clock::now();
  if (now >= deadline) return false;
  room.wait_until(guard, std::min<Clock::time_point>(deadline, now + kLookAgain));
  return true;
}

void LogQueue::State::push(LogRecord* node) {
  bool wake = false;
  {
    const std::lock_guard guard(lock);
    filled.push(node);  // there is room: it holds all nodes
    put_count.store(put_count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    wake = std::exchange(sleeping, false);
  }
  if (wake) ready.notify_one();
}

void LogQueue::State::give_back(LogRecord* node) noexcept {
  {
    const std::lock_guard guard(lock);
    spare.push_back(node);  // reserved
  }
  room.notify_one();
}

bool LogQueue::State::pop(LogRecord& record) {
  LogRecord* node = nullptr;
  if (!filled.pop(node)) return false;
  std::swap(record, *node);
  if (bytes_of(*node) > kKeptBytes) *node = LogRecord();
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

LogQueue::LogQueue(std::size_t capacity) {
  if (capacity == 0) throw Error(EINVAL, "a LogQueue needs room for one record at least");
  state_ = std::make_unique<State>(capacity);
}

LogQueue::~LogQueue() = default;

bool LogQueue::put_nowait(const LogRecord& record) {
  return put(record, milliseconds::zero());
}

bool LogQueue::put(const LogRecord& record, milliseconds timeout) {
  LogRecord* const node = state_->take_node(timeout);
  if (node == nullptr) return false;
  try {
    *node = record;
  } catch (...) {
    state_->give_back(node);
    throw;
  }
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

}  // namespace abi1
}  // namespace logbus
