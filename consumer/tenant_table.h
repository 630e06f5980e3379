// SPDX-License-Identifier: MIT
// Whose records a lane holds.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "packed_record.h"
#include "shm/segment.h"
#include "wire/codec.h"

namespace logbus::consumer {

/// One thread.
class TenantTable {
 public:
  explicit TenantTable(const shm::Segment& segment) : segment_(segment), tenants_(segment.lanes()) {}

  /// The writer of the frames at hand. Good until the next call for the same lane.
  const Tenant& of_lane(std::uint32_t lane) {
    // Acquire: pairs with the claim; the identity of the frame's writer, or of the same tenant since CLOSED.
    // A later tenant cannot be there before these frames' read position is published.
    const detail::LaneWord word =
        detail::unpack_lane(segment_.producer_line(lane).word.load(std::memory_order_acquire));
    const std::uint64_t key = detail::pack({detail::LaneState::kOpen, word.slot, word.tenancy});
    const Tenant& tenant = tenants_[lane];
    return tenant.word == key || word.slot >= segment_.slots() ? tenant : read(lane, key, word);
  }
  /// What a slot says of its process, without a thread.
  Tenant of_slot(std::uint32_t slot) const;
  /// A frame has told new names.
  void rename(std::uint32_t lane, wire::Names names);
  /// Such a frame may be lost: the names are read anew.
  void forget(std::uint32_t lane) { tenants_[lane].word = 0; }

 private:
  const Tenant& read(std::uint32_t lane, std::uint64_t key, detail::LaneWord word);

  const shm::Segment& segment_;
  std::vector<Tenant> tenants_;  // by lane
  /// Of all tables: who keeps what a version stands for may read several segments.
  static inline std::atomic<std::uint64_t> last_version_{0};
};

}  // namespace logbus::consumer
