// SPDX-License-Identifier: MIT
// A segment as the listener's queue: frames of all lanes, in time order, become records.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <logbus/handler.h>
#include <logbus/level.h>
#include <logbus/queue.h>
#include "journal_recovery.h"
#include "merge.h"
#include "own_records.h"
#include "packed_record.h"
#include "shm/caretaker.h"
#include "shm/segment.h"
#include "shm/site_table.h"
#include "shm/tick_clock.h"
#include "tenant_table.h"
#include "wire/codec.h"

namespace logbus::consumer {

/// Drains one segment. Holds its lease from construction to destruction. One thread, but for the two calls
/// that say so.
class BusQueue : public Queue {
 public:
  /// Attaches to the bus, creating it if need be. Throws Error; EBUSY names the sidecar that has the lease.
  /// `log_files`: see recover_journal().
  explicit BusQueue(const shm::BusOptions& options, const std::string& config_path = {},
                    const std::vector<std::string>& log_files = {});
  /// The same for a segment that is attached already.
  BusQueue(shm::Segment segment, const shm::BusOptions& options, const std::string& config_path,
           const std::vector<std::string>& log_files = {});

  /// Always false: this is the consumer's end.
  bool put_nowait(const LogRecord& record) override;
  bool get(LogRecord& record, std::chrono::milliseconds timeout) override;
  /// get() in two steps, for who may not need all of the record: the next one as it is, and the whole of it.
  bool next(PackedRecord& packed, std::chrono::milliseconds timeout) {
    return take(packed) || wait_for_next(packed, timeout);
  }
  /// Once for a record of next(). False: it is not a good one, and the next record says so.
  bool unpack(const PackedRecord& packed, LogRecord& record);
  /// The lanes' read positions move past all records given so far: their handlers have flushed.
  void task_done() override { move_positions(true); }
  /// The same in two steps: which positions would move, and moving them. Without `with_at_hand`, that is past
  /// all records but the last one given.
  void collect_positions(bool with_at_hand, std::vector<LaneMerge::Position>& positions);
  /// Records given all in all, by all sidecars: with the one at hand or without.
  std::uint64_t drained(bool with_at_hand) const noexcept { return drained_ - (with_at_hand ? 0 : at_hand_); }
  /// Those of them that were late, and the newest stamp.
  std::uint64_t late(bool with_at_hand) const noexcept {
    return late_ - (with_at_hand || !merge_.last_was_late() ? 0 : at_hand_);
  }
  /// Those with a text that was cut, and texts that were no UTF-8.
  std::uint64_t truncated(bool with_at_hand) const noexcept {
    return truncated_ - (with_at_hand || !last_was_truncated_ ? 0 : at_hand_);
  }
  std::uint64_t invalid_utf8(bool with_at_hand) const noexcept {
    return invalid_utf8_before_ + decoder_.invalid_utf8() - (with_at_hand ? 0 : at_hand_invalid_);
  }
  std::uint64_t newest_ticks(bool with_at_hand) noexcept {
    return merge_.newest_ticks(ends_with_last(with_at_hand));
  }
  /// What has been told with these; after collect_positions().
  const OwnRecords& own_records() const noexcept { return own_records_; }
  void move_positions(bool with_at_hand) noexcept;
  /// Ends a get() that waits. Async-signal-safe, any thread.
  void interrupt() noexcept override;

  /// From now on only what is committed at this moment is given; then get() is false at once.
  /// Async-signal-safe.
  void begin_stop() noexcept;
  /// Nothing is left in the bus and no worker is attached.
  bool idle();

  /// False: another sidecar has got it, and nothing is given or written any more. Any thread.
  bool has_lease() const noexcept { return caretaker_.has_lease(); }
  /// Another sidecar waits for the lease. Any thread.
  bool handover_requested() const noexcept { return caretaker_.handover_requested(); }

  /// The bus's name leads to another segment or nowhere: workers leave this one.
  bool retired() const noexcept { return retired_; }
  /// The segment has been renamed by us, and has the bus's name no more: workers shall leave it.
  void retire(std::string path);
  void rename(std::string path) { segment_.set_path(std::move(path)); }

  // next() in its parts, for who drains several segments.

  /// Looks for frames, if it is time to.
  void look();
  /// The same, if there is something new or it is long ago.
  void look_if_new();
  /// The next record that the last look found.
  bool next_found(PackedRecord& packed) { return take(packed); }
  /// The last look found frames that it is too early for.
  bool holding() const noexcept { return merge_.holding(); }
  /// The last look before the end, after begin_stop(): all that is committed now is given.
  void look_at_all();
  /// Until it is time for another look, or somebody rings; at most until then.
  void rest_until(std::chrono::steady_clock::time_point until) { rest_between_passes(until); }

  /// Those of the options that can change while the bus is in use. On the thread that gets. Throws Error.
  void apply(const shm::BusOptions& options) { caretaker_.apply(options); }

  /// What `logbus stat` shows of the handlers.
  void publish_handlers(const std::vector<std::shared_ptr<Handler>>& handlers) noexcept;

  const shm::Segment& segment() const noexcept { return segment_; }
  /// What the sidecar before had left half done.
  const Recovery& recovered() const noexcept { return recovered_; }

 private:
  bool wait_for_next(PackedRecord& packed, std::chrono::milliseconds timeout);
  [[gnu::noinline]] void pass();  // whole: hot_path_instructions leaves it out by its name
  void rest_between_passes(std::chrono::steady_clock::time_point until);
  void keep_house();
  void check_file();
  bool take(PackedRecord& packed);
  bool ends_with_last(bool with_at_hand) noexcept;
  bool pack(const shm::Frame& frame, std::uint32_t lane, PackedRecord& packed);
  const wire::Site* site(std::uint32_t id) {
    return id < sites_.size() && sites_[id] != nullptr ? sites_[id].get() : read_site(id);
  }
  const wire::Site* read_site(std::uint32_t id);

  shm::Segment segment_;
  shm::Caretaker caretaker_;
  Recovery recovered_;  // with the lease, before the read positions are looked at
  LaneMerge merge_;
  shm::SiteTable site_table_;
  shm::TickClock clock_;
  wire::Decoder decoder_;
  std::vector<std::unique_ptr<wire::Site>> sites_;  // by id, as they are met
  std::unordered_map<std::uint32_t, std::uint64_t>
      bad_sites_;                 // by id: the word of an entry that can't be read
  std::uint64_t site_bytes_ = 0;  // of the entries in sites_
  TenantTable tenants_;
  OwnRecords own_records_;
  std::uint64_t bus_id_;
  std::unique_ptr<std::byte[]> payload_;  // of the frame at hand, copied out of shared memory
  std::chrono::steady_clock::time_point last_pass_{};
  std::chrono::steady_clock::time_point last_record_{};
  std::chrono::steady_clock::time_point next_untold_{};
  std::chrono::steady_clock::time_point next_name_check_{};
  std::uint64_t drained_ = 0;
  std::uint64_t late_ = 0;
  std::uint64_t truncated_ = 0;
  std::uint64_t invalid_utf8_before_ = 0;  // those of earlier sidecars
  std::uint64_t at_hand_ = 0;              // of `drained_`: 0 if the record given last is not one of a worker
  std::uint64_t at_hand_invalid_ = 0;
  bool last_was_truncated_ = false;
  std::atomic<bool> stop_requested_{false};
  std::atomic<bool> interrupted_{false};
  bool sleep_announced_ = false;  // and nothing was found since
  bool was_asleep_ = false;       // until the next pass
  bool record_given_ = false;     // since the last task_done()
  bool stopped_ = false;
  bool told_at_stop_ = false;
  bool retired_ = false;
  bool damaged_ = false;  // and told
  bool named_ = true;     // the bus's name should lead here
};

}  // namespace logbus::consumer
