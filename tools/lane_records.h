// SPDX-License-Identifier: MIT
// The records in a bus's lanes, in the order of their stamps.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include <logbus/log_record.h>
#include "shm/snapshot.h"
#include "wire/codec.h"

namespace logbus::tools {

/// Whose lane it is, as far as it is known.
struct LaneTenant {
  std::optional<std::uint32_t> slot;  // none: the lane is free, its last tenant has been forgotten
  std::string process_name;
  std::int64_t pid = 0;
  std::int64_t start_ns = 0;
  std::uint64_t thread = 0;
  std::string thread_name;
};

struct ReadLane {
  std::uint32_t lane = 0;
  shm::LaneContents contents;
  LaneTenant tenant;
  /// The frames are an earlier tenant's: this one has written nothing yet.
  bool frames_of_another = false;
};

enum class EntryKind { kRecord, kGap, kUnreadable };

/// One frame, decoded.
struct Entry {
  EntryKind kind = EntryKind::kRecord;
  std::uint32_t lane = 0;
  std::uint64_t position = 0;
  bool read = false;                                // by the sidecar
  LogRecord record;                                 // of a gap: what the sidecar would say of it
  std::string message;                              // merged
  std::uint64_t dropped[detail::kSeverities] = {};  // of a gap: cumulative for the lane
  std::int64_t first_ns = 0, last_ns = 0;           // of a gap
  std::uint32_t site = 0;                           // 0: none
  std::uint32_t size = 0;                           // of the frame
};

class LaneRecords {
 public:
  /// Reads the lane `only`, or all lanes that hold something or have a tenant; then the sites.
  LaneRecords(shm::Snapshot& snapshot, std::optional<std::uint32_t> only);

  const std::vector<ReadLane>& lanes() const noexcept { return lanes_; }
  std::size_t size() const noexcept { return order_.size(); }
  /// The entry at `index` in order of time. What `entry` has allocated is used again.
  void decode(std::size_t index, Entry& entry);
  std::int64_t time_of(std::size_t index);

  /// The site's content; null if there is none or it is damaged.
  const wire::Site* site(std::uint32_t id);

 private:
  struct Place {
    std::uint64_t ticks;
    std::uint32_t lane;  // index into lanes_
    std::uint32_t frame;
    std::uint32_t names;  // index into names_
  };
  struct Names {
    std::string thread_name, process_name;
  };
  void add_lane(std::uint32_t lane);
  LaneTenant tenant_of(const shm::LaneContents& contents) const;
  void decode_gap(const shm::Frame& frame, Entry& entry);

  shm::Snapshot& snapshot_;
  shm::TickClock clock_;
  wire::Decoder decoder_;
  std::vector<ReadLane> lanes_;
  std::vector<Names> names_;
  std::vector<Place> order_;
  std::unordered_map<std::uint32_t, std::optional<wire::Site>> sites_;
};

/// msg and args merged; if they don't fit each other, both as they are and why.
std::string message_of(const LogRecord& record);

}  // namespace logbus::tools
