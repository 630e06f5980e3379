// SPDX-License-Identifier: MIT
// Records of the logger `logbus`: what the drain has to say of drops and damage.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include <logbus/level.h>
#include <logbus/log_record.h>

#include "merge.h"
#include "packed_record.h"
#include "shm/segment.h"
#include "shm/tick_clock.h"
#include "tenant_table.h"

namespace logbus::consumer {

/// Waiting to be given, oldest first. Borrows all that it is made with; one thread.
class OwnRecords {
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

 public:
  OwnRecords(const shm::Segment& segment, LaneMerge& merge, shm::TickClock& clock, TenantTable& tenants)
      : segment_(segment),
        merge_(merge),
        clock_(clock),
        tenants_(tenants),
        absurd_(segment.lanes()),
        told_(segment.slots()),
        dropped_reported_(segment.consumer().dropped_reported.load(std::memory_order_relaxed)),
        overwritten_(segment.consumer().overwritten.load(std::memory_order_relaxed)) {}

  /// So many drops of threads without a lane have been told of the process that has this slot.
  struct SlotReport {
    std::uint32_t index;
    std::uint64_t word;  // the slot's: another process has another one
    std::uint64_t told;
  };

  bool empty() const noexcept { return records_.empty(); }
  /// The next one; good until the next call.
  LogRecord& take() {
    taken_ = std::move(records_.front());
    records_.pop_front();
    return taken_.record;
  }
  /// The record taken last has been handled: the drops that it tells of are reported.
  void finish() {
    if (taken_.lane != kNone || taken_.slot.index != kNone) report_taken();
  }
  /// Whether the next one, or the one taken last, is about the frame that the merge gave last.
  bool next_is_of_frame() const noexcept { return !records_.empty() && records_.front().of_frame; }
  bool taken_is_of_frame() const noexcept { return taken_.of_frame; }

  /// Those of the records that have been handled since the last commit().
  const std::vector<SlotReport>& slot_reports() const noexcept { return slot_reports_; }
  /// All in all, told by records that have been handled, by all sidecars.
  std::uint64_t dropped_reported() const noexcept { return dropped_reported_; }
  std::uint64_t overwritten() const noexcept { return overwritten_; }
  /// They have been written: it is known in the slots.
  void commit() noexcept;

  void tell_unreadable(const PackedRecord& packed);
  /// The lane's counters were at `dropped` when a record with this stamp was written: what has not been told.
  void tell_drops(std::uint32_t lane, const std::uint64_t (&dropped)[detail::kSeverities],
                  std::uint64_t first, std::uint64_t last, std::uint64_t ticks, bool of_frame);
  /// So many records of a lane that overwrites are gone. `of_frame`: the merge has passed them already.
  void tell_overwritten(std::uint32_t lane, std::uint64_t count, std::uint64_t ticks, bool of_frame);
  /// Somebody has cut off the file, or put zeros over its tables.
  void tell_damage();
  /// What no frame tells of: drops of lanes that are quiet or gone, threads without a lane, broken lanes.
  /// Not as long as there is something to take: then another time.
  void tell_untold();

 private:
  struct Own {
    LogRecord record;
    bool of_frame = false;
    SlotReport slot{kNone, 0, 0};
    std::uint32_t lane = kNone;                       // it tells of drops of this lane
    std::uint64_t dropped[detail::kSeverities] = {};  // up to here
    std::uint64_t drops = 0;                          // that many
    std::uint64_t overwritten = 0;                    // or these
  };
  Own& say(const Tenant& about, std::uint64_t ticks, Level level, std::string message, bool of_frame);
  void report_taken();
  std::uint64_t told(std::uint32_t slot, std::uint64_t word) const noexcept;
  std::uint64_t most_drops() const noexcept;
  void tell_absurd(std::uint32_t lane, std::uint64_t ticks, bool of_frame);

  const shm::Segment& segment_;
  LaneMerge& merge_;
  shm::TickClock& clock_;
  TenantTable& tenants_;
  std::vector<std::uint64_t>
      absurd_;  // by lane: 1 + the tenant whose counters have been told to make no sense
  std::deque<Own> records_;
  Own taken_;
  std::vector<SlotReport> told_;  // by slot: what a record tells or has told of
  std::vector<SlotReport> slot_reports_;
  std::uint64_t dropped_reported_;
  std::uint64_t overwritten_;
};

}  // namespace logbus::consumer
