// SPDX-License-Identifier: MIT
// The listener of logbusd: from the bus, through the logger tree.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <logbus/queue_listener.h>

#include "bus.h"
#include "journal.h"
#include "line_writer.h"
#include "sidecar/pipeline.h"

namespace logbus::sidecar {

/// What the end of a batch waits for before the read positions move.
struct Durability {
  bool holds = false;                     // for handlers with lines that they could not write yet
  bool durable = false;                   // for asynchronous handlers
  std::chrono::milliseconds hold_max{0};  // both together
};

/// Borrows all of them. It ends by itself once the bus has been removed and drained; with `until_idle` also
/// once the bus is empty and no worker is attached.
class BusListener : public QueueListener, private consumer::Journal::Host {
 public:
  BusListener(consumer::Bus& bus, Pipeline& pipeline, const Durability& durability, bool until_idle);
  ~BusListener() override;

  /// Runs `job` on the listener's thread between two batches: everything given so far is flushed and
  /// committed, and nobody handles records meanwhile. Returns when it has run; rethrows what it throws. False
  /// if it has not run: the listener has ended, or `given_up`, which is asked now and then, says true. Not
  /// from the listener's thread.
  bool between_batches(const std::function<void()>& job, const std::function<bool()>& given_up);
  /// Serves another pipeline from now on. Only in a job, or while the listener is not started.
  void serve(Pipeline& pipeline, const Durability& durability);

  /// From now on only what is committed at this moment is handled.
  void enqueue_sentinel() override;
  /// After it has ended: because the bus was removed.
  bool replaced() const noexcept { return replaced_; }
  /// After it has ended: another sidecar has got the lease. What was not written is left to it.
  bool lost_lease() const noexcept { return lost_lease_; }

 protected:
  bool handle_next(LogRecord& record, std::chrono::milliseconds timeout) override;
  void handle(LogRecord& record) override;
  /// A clock read costs as much as half a line.
  std::size_t clock_interval() const noexcept override { return 64; }
  bool flush_handlers() noexcept override;

 private:
  void use(consumer::BusQueue& queue);
  bool wait_for_next();
  void run_job() noexcept;
  bool end_batches() noexcept;
  bool end_of_batch() noexcept;
  bool settle_others() noexcept override;
  bool wait_for_room() noexcept override;
  bool gives_up() const noexcept override {
    return durability_.holds && (abandoned() || bus_.lost() != nullptr);
  }
  bool may_wait() noexcept;

  consumer::Bus& bus_;
  Pipeline* pipeline_ = nullptr;
  Durability durability_;
  bool pending_ = false;  // a handler has lines that it could not write yet
  consumer::Journal journal_{*this};
  std::vector<std::shared_ptr<Handler>> others_;  // that are written to directly, and not in the journal
  std::optional<std::chrono::steady_clock::time_point> waits_until_;  // at the end of this batch
  std::unique_ptr<consumer::LineWriter> lines_;
  consumer::PackedRecord packed_;
  std::vector<Handler*> need_record_;
  bool until_idle_;
  bool replaced_ = false;    // the listener's thread; read after it has ended
  bool lost_lease_ = false;  // so is this
  std::chrono::steady_clock::time_point
      publish_at_{};  // when the handlers' counters are next put where `stat` reads

  std::atomic<const std::function<void()>*> job_{nullptr};  // of between_batches(), which waits
  std::mutex job_lock_;
  std::condition_variable job_done_;
  std::exception_ptr job_failure_;
};

}  // namespace logbus::sidecar
