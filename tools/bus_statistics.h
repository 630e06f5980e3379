// SPDX-License-Identifier: MIT
// A bus in numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <logbus/handler.h>
#include "shm/snapshot.h"

namespace logbus::tools {

struct Lag {
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
};

struct WorkerStatistics {
  std::uint32_t slot = 0;
  std::string name;
  std::int64_t pid = 0;
  shm::Life life = shm::Life::kUnknown;
  std::uint64_t lanes = 0;
  std::uint64_t committed = 0;
  Lag lag;
  std::uint64_t memory_bytes = 0;
  std::uint64_t dropped = 0;
  std::array<std::uint64_t, 4> dropped_by_severity = {};  // D I W E, the last with all above
};

struct HandlerStatistics {
  std::string name, class_name;
  std::uint64_t records = 0, bytes = 0, errors = 0, retries = 0;
  std::uint64_t dropped = 0;
  std::array<std::uint64_t, kDropReasonCount> dropped_for = {};
  std::uint64_t queue_length = 0, queue_capacity = 0, queue_bytes = 0;
  std::optional<std::uint64_t> queue_memory;  // nothing: without a bound
  std::string last_error;
  std::optional<std::int64_t> last_error_ns;  // wall time; nothing: there was none
};

enum class SidecarState { kNever, kRunning, kReleased, kDied };

struct SidecarStatistics {
  SidecarState state = SidecarState::kNever;
  std::int64_t pid = 0;
  std::optional<std::int64_t> heartbeat_age_ns;
  std::string config_path;
  std::int64_t attached_ns = 0;  // wall time
};

struct JournalStatistics {
  shm::JournalState state = shm::JournalState::kEmpty;
  std::uint64_t records = 0;  // if it is sealed: those that are not counted as drained yet
  std::uint32_t files = 0;
};

struct BusStatistics {
  std::string policy;
  std::uint64_t memory_bytes = 0, memory_limit_bytes = 0;
  std::uint64_t sites = 0, sites_limit = 0;
  SidecarStatistics sidecar;
  JournalStatistics journal;
  std::uint64_t committed = 0, drained = 0, dropped = 0, late = 0, truncated = 0, invalid_utf8 = 0;
  std::uint64_t overwritten = 0;  // before they were read, on a bus whose lanes overwrite
  std::uint64_t format_errors = 0, quarantined_lanes = 0;
  Lag lag;
  std::int64_t lag_ns = 0;  // age of the oldest unread record
  std::vector<WorkerStatistics> workers;
  std::vector<HandlerStatistics> handlers;
};

/// Reads the unread frames of all lanes to count them.
BusStatistics collect_statistics(const shm::Snapshot& snapshot);

}  // namespace logbus::tools
