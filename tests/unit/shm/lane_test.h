// SPDX-License-Identifier: MIT
// A bus with one lane, its writer and its reader in one process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "support/shm_bus.h"

namespace logbus::shm::lane_test {

using namespace detail;
using testing::check_pattern;
using testing::LaneTap;
using testing::pattern;
using testing::Put;
using testing::put;
using testing::small_bus;
using testing::TempDir;

inline constexpr int kInfo = 20;
inline constexpr int kWarning = 30;
inline constexpr std::uint64_t kLane = 64 << 10;

class LaneTest : public ::testing::Test {
 protected:
  void start(std::uint64_t lane_size = kLane, std::uint32_t lanes = 8) {
    options_.lane_size = lane_size;
    options_.lanes = lanes;
    sidecar_.emplace_back(new Segment(Segment::open(options_, Segment::Role::kSidecar)));
    worker_ = Attachment::attach(options_, "worker");
    ASSERT_EQ(lane_.claim(*worker_, 42, "main"), Claim::kOk);
    tap_ = std::make_unique<LaneTap>(side(), lane_.lane);
  }
  void TearDown() override {
    if (lane_.has_lane()) lane_.close();
  }

  const Segment& side() const { return *sidecar_.back(); }
  const ProducerLine& line() const { return side().producer_line(lane_.lane); }
  StepState step(std::uint32_t index) const {
    return static_cast<StepState>(side().step_table(lane_.lane)[index].load());
  }
  std::uint64_t offset() const { return lane_.writer.position - lane_.writer.newest; }
  /// A record whose whole frame has `frame` bytes.
  Put write(std::uint64_t sequence, std::size_t frame, int levelno = kInfo) {
    return put(lane_, pattern(sequence, frame - sizeof(FrameHeader)), levelno);
  }
  /// Reads all; the sequences in order, a gap as 1'000'000 + the drops told.
  std::vector<std::uint64_t> read_all() {
    std::vector<std::uint64_t> found;
    Frame frame;
    Parse result;
    while ((result = tap_->next(frame)) == Parse::kFrame) {
      EXPECT_GT(frame.ticks, last_ticks_);
      if (frame.kind() == FrameKind::kGap) {
        GapFrame gap;
        std::memcpy(&gap, frame.payload - sizeof(FrameHeader), sizeof gap);
        std::uint64_t sum = 0;
        for (const std::uint64_t n : gap.dropped) sum += n;
        EXPECT_LE(gap.first_ticks, gap.last_ticks);
        found.push_back(1'000'000 + sum);
        continue;  // the record behind it has the same stamp
      }
      last_ticks_ = frame.ticks;
      std::uint64_t sequence = 0;
      EXPECT_TRUE(check_pattern({frame.payload, frame.payload_size}, sequence)) << "torn";
      found.push_back(sequence);
    }
    EXPECT_EQ(result, Parse::kEnd);
    return found;
  }
  std::vector<std::uint64_t> read_and_commit() {
    auto found = read_all();
    tap_->commit();
    return found;
  }
  std::uint64_t dropped() const {
    std::uint64_t sum = 0;
    for (const Word64& n : line().dropped) sum += n.load();
    return sum;
  }
  std::uint64_t dropped_for(DropReason reason) const {
    return line().dropped_reason[static_cast<std::size_t>(reason)].load();
  }

  TempDir directory_;
  BusOptions options_ = small_bus(directory_);
  std::vector<std::unique_ptr<Segment>> sidecar_;
  std::unique_ptr<Attachment> worker_;
  LaneOwner lane_ = {};
  std::unique_ptr<LaneTap> tap_;
  std::uint64_t last_ticks_ = 0;
};

using Sequences = std::vector<std::uint64_t>;

}  // namespace logbus::shm::lane_test
