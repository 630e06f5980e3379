// SPDX-License-Identifier: MIT
// A bus with some lanes of one worker, and a merge that reads them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "merge.h"
#include "support/shm_bus.h"

namespace logbus::consumer::lane_merge_test {

using namespace detail;
using namespace std::chrono_literals;
using shm::Attachment;
using shm::Caretaker;
using shm::Claim;
using shm::Frame;
using shm::LaneOwner;
using shm::Segment;
using testing::check_pattern;
using testing::pattern;
using testing::Put;
using testing::put;
using testing::small_bus;
using testing::TempDir;

inline constexpr int kInfo = 20;

using Sequences = std::vector<std::uint64_t>;

class LaneMergeTest : public ::testing::Test {
 protected:
  void start(std::size_t lanes) {
    side_ = std::make_unique<Segment>(Segment::open(options_, Segment::Role::kSidecar));
    caretaker_ = std::make_unique<Caretaker>(*side_, options_, "");
    worker_ = Attachment::attach(options_, "w");
    lanes_.resize(lanes);
    for (LaneOwner& lane : lanes_) {
      lane = {};
      ASSERT_EQ(lane.claim(*worker_, 1, ""), Claim::kOk);
    }
    merge_ = std::make_unique<LaneMerge>(*side_, *caretaker_);
  }
  void TearDown() override {
    for (LaneOwner& lane : lanes_)
      if (lane.has_lane()) lane.close();
  }

  void write(std::size_t lane, std::uint64_t sequence, std::size_t size = 48) {
    ASSERT_EQ(put(lanes_[lane], pattern(sequence, size), kInfo), Put::kWritten);
  }
  /// A record of `lane` that has been stamped, or is about to be, and not committed.
  void begin_stamping(std::size_t lane) {
    LaneWriter& writer = lanes_[lane].writer;
    ASSERT_TRUE(writer.enter());
    const std::uint32_t size = LaneWriter::frame_bytes(16);
    if (!writer.has_room(size, 1)) {
      ASSERT_EQ(lanes_[lane].make_room(size, kInfo, false), shm::Room::kReady);
    }
    std::byte* at = writer.begin(size, frame_tag(FrameKind::kRecord, 1));
    const auto payload = pattern(900 + lane, 16);
    std::memcpy(at, payload.data(), payload.size());
    writer.line->busy.store(kBusyStamping);
  }
  void end_stamping(std::size_t lane) { (void)lanes_[lane].writer.commit(); }

  /// All that is ready now, without another pass.
  Sequences take() {
    Sequences found;
    Frame frame;
    std::uint32_t lane = 0;
    while (merge_->next(frame, lane)) {
      if (merge_->last_was_late()) ++late_;
      std::uint64_t sequence = 0;
      EXPECT_TRUE(check_pattern({frame.payload, frame.payload_size}, sequence));
      found.push_back(sequence);
    }
    return found;
  }
  Sequences pass_and_take(bool everything = false) {
    merge_->pass(everything);
    return take();
  }
  std::uint64_t read(std::size_t lane) const { return side_->consumer_line(lanes_[lane].lane).read.load(); }
  /// Puts a stamp into the last frame written, as a clock that lies would.
  void restamp(std::size_t lane, std::uint32_t size, std::uint64_t ticks) {
    LaneWriter& writer = lanes_[lane].writer;
    std::memcpy(writer.data + (writer.position - writer.newest) - size + offsetof(FrameHeader, ticks), &ticks,
                sizeof ticks);
  }

  TempDir directory_;
  shm::BusOptions options_ = small_bus(directory_);
  std::unique_ptr<Segment> side_;
  std::unique_ptr<Caretaker> caretaker_;
  std::unique_ptr<Attachment> worker_;
  std::vector<LaneOwner> lanes_;
  std::unique_ptr<LaneMerge> merge_;
  int late_ = 0;
};

}  // namespace logbus::consumer::lane_merge_test
