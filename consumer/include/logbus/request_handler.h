// SPDX-License-Identifier: MIT
// What handlers have in common that hand their records to a server, one request after the other.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include <logbus/compatibility.h>
#include <logbus/detail/abi.h>
#include <logbus/handler.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

struct RequestOptions {
  /// Of one try, and how long emit(), flush(), end_batch() and close() may take.
  std::chrono::milliseconds timeout{5000};
  /// Bytes that may wait for a later try. Whole records; those behind the one that reaches it are lost.
  std::size_t backlog = 1U << 20;
  /// Seconds from a failure to the next try, and how they grow from failure to failure.
  double retry_start = 1.0;
  double retry_factor = 2.0;
  double retry_max = 30.0;
  /// How often a server may put off the same records by its answer until they count as refused. While there
  /// is no answer at all, they wait.
  unsigned retries = 10;
  /// strict: one try, as in Python.
  Compatibility compatibility = {};
};

/// What one try has come to.
struct RequestResult {
  enum class Outcome : std::uint8_t {
    kDelivered,
    kRefused,     // for good
    kTooLarge,    // for good: it could not be sent at all
    kPutOff,      // the server says: later
    kUnanswered,  // nobody knows
  };
  Outcome outcome = Outcome::kDelivered;
  std::string reason = {};         // of all but the first: a sentence
  std::chrono::seconds wait = {};  // of kPutOff: what the server asks for
};

/// Keeps what it makes of each record until it has been delivered, in the order of the records. What could
/// not be delivered is tried again, at end_batch() and flush() and before the next record, but never before
/// its time: nothing sleeps. Such records are pending(). emit() throws for none of this: a failed try is told
/// once, and what is lost is counted with its reason. A try is made with the handler's lock held.
class RequestHandler : public Handler {
 public:
  using Clock = std::chrono::steady_clock;
  /// The longest wait that a server may ask for.
  static constexpr std::chrono::seconds kMostWait{300};

  void flush() override { end_batch(); }
  /// One more try for what waits, due or not; the rest is lost. A later record begins anew.
  void close() override;
  /// For who has little time: no try takes longer than until `end`, or, if that is over, long. Any thread.
  void end_by(Clock::time_point end) noexcept { end_ = end; }
  void defer_flush(bool deferred) override;
  void end_batch() override;
  bool has_room() const noexcept override { return has_room_.load(std::memory_order_relaxed); }
  bool pending() const noexcept override { return counters().waiting.load(std::memory_order_relaxed) > 0; }

 protected:
  /// `most_together`: how many records may go in one try.
  RequestHandler(const RequestOptions& options, std::size_t most_together);
  ~RequestHandler() override;  // a derived class's destructor calls close_finally()
  /// close(), with what it throws told.
  void close_finally() noexcept;

  void emit(const LogRecord& record) override;
  /// What is kept of a record. May throw: the record is lost then.
  virtual std::string make_payload(const LogRecord& record) = 0;
  /// Of those that wait, how many go together now: 1 to `most_together`. `waiting` is not empty.
  virtual std::size_t count_together(const std::deque<std::string>& waiting) const;
  /// One try with the first `count` of those that wait. What it throws counts as kUnanswered.
  virtual RequestResult deliver(const std::deque<std::string>& waiting, std::size_t count,
                                std::chrono::milliseconds timeout) = 0;
  /// No more to do for now.
  virtual void disconnect() noexcept {}
  /// A clock for tests.
  virtual Clock::time_point now() const { return Clock::now(); }

 private:
  struct Waiting;
  void put(std::string payload, Clock::time_point begin);
  void deliver_waiting(Clock::time_point begin, bool at_once = false);
  bool deliver_next(std::chrono::milliseconds timeout);
  RequestResult try_once(std::size_t count, std::chrono::milliseconds timeout) noexcept;
  bool has_failed(const RequestResult& result, std::size_t count);
  void forget(std::size_t count);
  void drop(DropReason reason, std::size_t count);
  void count_waiting() noexcept;

  const RequestOptions options_;
  const std::size_t most_together_;
  std::unique_ptr<Waiting> waiting_;
  bool deferred_ = false;
  std::atomic<bool> has_room_{true};
  std::atomic<Clock::time_point> end_{Clock::time_point::max()};
  const LogRecord* emitting_ = nullptr;  // for reports
};

}  // namespace abi1
}  // namespace logbus
