// SPDX-License-Identifier: MIT
// Waiting until the sidecar has handled all that this process has logged.
#include <time.h>

#include <cstdint>
#include <utility>
#include <vector>

#include <logbus/basic_config.h>
#include <logbus/detail/clock.h>

#include "producer/process.h"
#include "producer/undisturbed.h"
#include "shm/doorbell.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

using detail::LaneState;

struct Goal {
  std::uint32_t lane;
  std::uint64_t tenancy;
  std::uint64_t position;
};

std::vector<Goal> goals_of(const shm::Attachment& attachment) {
  const shm::Segment& segment = attachment.segment();
  std::vector<Goal> goals;
  for (std::uint32_t lane = 0; lane < segment.lanes(); ++lane) {
    const auto& line = segment.producer_line(lane);
    const auto word = detail::unpack_lane(line.word.load(std::memory_order_acquire));
    if (word.state == LaneState::kFree || word.slot != attachment.slot_index()) continue;
    goals.push_back({lane, word.tenancy, line.committed.load(std::memory_order_acquire)});
  }
  return goals;
}

bool is_reached(const shm::Segment& segment, const Goal& goal) noexcept {
  // Acquire: pairs with the reader's release after its handlers have flushed.
  if (segment.consumer_line(goal.lane).read.load(std::memory_order_acquire) >= goal.position) return true;
  // Given to another tenant: that happens only once it has been read.
  const auto word =
      detail::unpack_lane(segment.producer_line(goal.lane).word.load(std::memory_order_acquire));
  return word.tenancy != goal.tenancy;
}

}  // namespace

bool flush(std::chrono::milliseconds timeout) noexcept {
  const producer::NotCancelled guard;
  producer::Membership* member = producer::join();
  if (member == nullptr) return true;  // stderr keeps nothing back
  const shm::Segment& segment = member->attachment->segment();
  const std::uint64_t deadline =
      detail::clock_ns(CLOCK_MONOTONIC) + static_cast<std::uint64_t>(timeout.count()) * 1'000'000;
  bool done = false;
  try {
    std::vector<Goal> goals = goals_of(*member->attachment);
    for (;;) {
      std::erase_if(goals, [&](const Goal& goal) { return is_reached(segment, goal); });
      done = goals.empty();
      if (done || detail::clock_ns(CLOCK_MONOTONIC) >= deadline) break;
      if ((segment.shared().attention.load(std::memory_order_relaxed) & detail::kAttentionSleeping) != 0)
        shm::ring(segment.shared());
      const timespec pause{0, 1'000'000};
      ::nanosleep(&pause, nullptr);
    }
  } catch (...) {
    done = false;
  }
  producer::leave(member);
  return done;
}

}  // namespace abi1
}  // namespace logbus
