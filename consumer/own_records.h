// SPDX-License-Identifier: MIT
// Records of the logger `logbus`: what the drain has to say of drops and damage.
#pragma once

#include <cstdint>
#include <deque>
#include <string>

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
 public:
  OwnRecords(const shm::Segment& segment, LaneMerge& merge, shm::TickClock& clock, TenantTable& tenants)
      : segment_(segment), merge_(merge), clock_(clock), tenants_(tenants) {}

  bool empty() const noexcept { return records_.empty(); }
  /// The next one; good until the next call.
  LogRecord& take() {
    taken_ = std::move(records_.front());
    records_.pop_front();
    return taken_;
  }

  void tell_unreadable(const PackedRecord& packed);
  /// The lane's counters were at `dropped` when a record with this stamp was written: what has not been told.
  void tell_drops(std::uint32_t lane, const std::uint64_t (&dropped)[detail::kSeverities],
                  std::uint64_t first, std::uint64_t last, std::uint64_t ticks);
  /// What no frame tells of: drops of lanes that are quiet or gone, threads without a lane, broken lanes.
  void tell_untold();

 private:
  LogRecord& say(const Tenant& about, std::uint64_t ticks, Level level, std::string message);

  const shm::Segment& segment_;
  LaneMerge& merge_;
  shm::TickClock& clock_;
  TenantTable& tenants_;
  std::deque<LogRecord> records_;
  LogRecord taken_;
};

}  // namespace logbus::consumer
