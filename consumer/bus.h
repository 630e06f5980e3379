// SPDX-License-Identifier: MIT
// The bus as the sidecar drains it: the segment under its name, and those that have lost it.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <logbus/error.h>
#include <logbus/level.h>

#include "drain.h"

namespace logbus::consumer {

/// Drains all segments of a bus, oldest first:
///
///   <bus>.<uuid>.stale      of an earlier boot: nobody can be alive there
///   <bus>.<uuid>.retired    replaced: a worker that has not logged since may still be attached
///   <bus>.logbus            new workers, and those that have noticed
///
/// All records between two task_done() are of one segment. A thread's records stay in order: what a look at a
/// segment has found is given only when the older ones have been looked at after it and given all they had.
/// Between threads of two segments the order of time is best effort. One thread, but for the calls that say
/// otherwise.
class Bus : public Queue {
 public:
  struct Options {
    shm::BusOptions bus;
    std::string config_path;
    std::vector<std::string> log_files;  // of the configuration: see recover_journal()
    bool follows = true;                 // if the segment loses its name, the one that has it is drained too
    std::function<void(Level, const std::string&)> tell = [](Level, const std::string&) {};  // any thread
  };

  /// Attaches to all of them, creating the bus if need be; rolls if it has other sizes than `options` want.
  /// Throws Error; EBUSY names the sidecar that has the lease; NoRoomToRecover: nothing begins before there
  /// is.
  explicit Bus(Options options);
  ~Bus() override;

  bool put_nowait(const LogRecord& record) override;
  bool get(LogRecord& record, std::chrono::milliseconds timeout) override;
  /// As BusQueue's.
  bool next(PackedRecord& packed, std::chrono::milliseconds timeout) {
    return (batch_ != nullptr && batch_->next_found(packed)) || wait_for_next(packed, timeout);
  }
  bool unpack(const PackedRecord& packed, LogRecord& record) { return batch().unpack(packed, record); }
  void task_done() override;
  /// Any thread.
  void interrupt() noexcept override;
  /// Any thread.
  void begin_stop() noexcept;

  /// Another sidecar waits for the lease. Any thread.
  bool handover_requested() noexcept {
    const std::lock_guard lock(lock_);
    return current_->handover_requested();
  }

  /// The segment that the records since the last task_done() are of.
  BusQueue& batch() noexcept { return batch_ != nullptr ? *batch_ : *current_; }
  BusQueue& current() noexcept { return *current_; }
  bool idle();
  /// A segment whose lease another sidecar has got, if there is one: then there is nothing more to do here.
  const BusQueue* lost() const noexcept;
  /// The bus is another's now, or nobody's, and nothing is left here.
  bool replaced();
  /// Those of the options that can change while the bus is in use; rolls for the others. Between two batches.
  /// Throws Error.
  void apply(const shm::BusOptions& options);
  void publish_handlers(const std::vector<std::shared_ptr<Handler>>& handlers) noexcept {
    current_->publish_handlers(handlers);
  }
  /// The one under the bus's name. Not while another thread drains.
  const shm::Segment& segment() const noexcept { return current_->segment(); }
  /// Files that a sidecar before this one was writing when it was killed.
  const std::vector<std::string>& files_in_use() const noexcept { return files_in_use_; }
  /// Told of each queue that a batch is of, before its first record is given; the thread that drains.
  void on_batch(std::function<void(BusQueue&)> told) { on_batch_ = std::move(told); }
  /// Told of each queue before it is gone; the thread that drains.
  void on_removal(std::function<void(const BusQueue&)> told) { on_removal_ = std::move(told); }
  /// How many others there are still to drain.
  std::size_t retired() const noexcept { return retired_.size(); }

 private:
  using Clock = std::chrono::steady_clock;

  bool wait_for_next(PackedRecord& packed, std::chrono::milliseconds timeout);
  bool begin_batch(BusQueue& queue);
  bool next_of_several(PackedRecord& packed, std::chrono::milliseconds timeout);
  bool next_before_end(PackedRecord& packed);
  void keep_segments();
  void attach_left_overs(bool at_start);
  void attach_left_over(const std::string& path);
  void follow_name();
  void roll(const shm::BusOptions& options, const std::string& why);
  void make_current(std::unique_ptr<BusQueue> queue);
  void remove_drained();
  void remove_file(BusQueue& drained);
  void tell_once(const Error& error);
  void tell_recovery(const BusQueue& queue);

  Options options_;
  std::vector<std::unique_ptr<BusQueue>> retired_;  // oldest first
  std::unique_ptr<BusQueue> current_;               // replaced under lock_
  std::mutex lock_;
  BusQueue* batch_ = nullptr;  // has given records since task_done()
  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> interrupted_{false};
  bool stopped_ = false;
  bool left_overs_ = true;  // there may be some that another sidecar is about to let go
  bool taken_ = false;      // the name's segment is another sidecar's
  Clock::time_point next_look_{};
  std::vector<std::string> files_in_use_;
  std::function<void(BusQueue&)> on_batch_ = [](BusQueue&) {};
  std::function<void(const BusQueue&)> on_removal_ = [](const BusQueue&) {};
  std::string told_;  // of what keeps us from attaching
};

}  // namespace logbus::consumer
