// SPDX-License-Identifier: MIT
// One lane: claims, laps, frames, drops and gaps. Writer and reader in one process, exact.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "lane_test.h"
#include "shm/caretaker.h"
#include "shm/lane_directory.h"

namespace logbus::shm::lane_test {
namespace {

// --- Claims

TEST_F(LaneTest, ClaimWritesOwnerThreadAndName) {
  start();
  const LaneWord word = unpack_lane(line().word.load());
  EXPECT_EQ(word.state, LaneState::kOpen);
  EXPECT_EQ(word.slot, worker_->slot_index());
  EXPECT_EQ(word.tenancy, 1U);
  EXPECT_EQ(line().thread.load(), 42U);
  EXPECT_STREQ(line().thread_name[line().name_index.load()], "main");
  lane_.set_thread_name(std::string(100, 'x'));
  EXPECT_EQ(std::string(line().thread_name[line().name_index.load()]), std::string(63, 'x'));
}

TEST_F(LaneTest, ClaimsAreAllDifferentUntilThereIsNoLane) {
  start(kLane, 4);
  std::vector<LaneOwner> others(3);
  std::set<std::uint32_t> lanes = {lane_.lane};
  for (LaneOwner& other : others) {
    other = {};
    ASSERT_EQ(other.claim(*worker_, 1, ""), Claim::kOk);
    lanes.insert(other.lane);
  }
  EXPECT_EQ(lanes.size(), 4U);
  LaneOwner none = {};
  EXPECT_EQ(none.claim(*worker_, 1, ""), Claim::kNoLane);
  EXPECT_FALSE(none.has_lane());
  for (LaneOwner& other : others) other.close();
}

TEST_F(LaneTest, ClosedLaneIsLetAgainOnlyAfterItHasBeenRead) {
  start(kLane, 1);
  ASSERT_EQ(write(1, 64), Put::kWritten);
  lane_.close();
  Caretaker caretaker(side(), options_, "");
  EXPECT_EQ(unpack_lane(line().word.load()).state, LaneState::kClosed);
  LaneOwner next = {};
  EXPECT_EQ(next.claim(*worker_, 1, ""), Claim::kNoLane);
  EXPECT_EQ(read_and_commit(), Sequences{1});
  caretaker.sweep_all();
  EXPECT_EQ(unpack_lane(line().word.load()).state, LaneState::kFree);
  ASSERT_EQ(next.claim(*worker_, 1, ""), Claim::kOk);
  EXPECT_EQ(unpack_lane(line().word.load()).tenancy, 3U);
  EXPECT_EQ(put(next, pattern(2, 32), kInfo), Put::kWritten);
  EXPECT_EQ(read_all(), Sequences{2}) << "positions go on";
  next.close();
}

TEST_F(LaneTest, ClosedLaneWithUntoldDropsStays) {
  start(kLane, 1);
  lane_.count_drop(kInfo, DropReason::kNested);
  lane_.close();
  Caretaker caretaker(side(), options_, "");
  EXPECT_EQ(unpack_lane(line().word.load()).state, LaneState::kClosed);
  side().consumer_line(0).reported[severity_of(kInfo)].store(1);
  caretaker.sweep_all();
  EXPECT_EQ(unpack_lane(line().word.load()).state, LaneState::kFree);
}

TEST_F(LaneTest, ClaimOfAReplacedBusSaysSo) {
  start();
  std::filesystem::rename(bus_path(options_), bus_path(options_) + ".x");
  LaneOwner other = {};
  EXPECT_EQ(other.claim(*worker_, 1, ""), Claim::kRetired);
  EXPECT_FALSE(other.has_lane());
}

TEST_F(LaneTest, RetiredBusIsLeftAtTheSlowPath) {
  start();
  ASSERT_EQ(write(1, 64), Put::kWritten);
  side().shared().attention.fetch_or(kAttentionRetired);
  EXPECT_EQ(write(2, 64), Put::kWritten) << "what fits goes into the old one: it is drained";
  EXPECT_EQ(write(3, 16 << 10), Put::kRetired);
  EXPECT_EQ(read_all(), (Sequences{1, 2}));
  EXPECT_EQ(dropped(), 0U);
}

// --- Writing and laps

TEST_F(LaneTest, RecordsOfAnySizeComeBackWhole) {
  start();
  for (std::uint32_t size = 0; size < 200; ++size) {
    std::vector<std::byte> payload(size, std::byte{static_cast<unsigned char>(size)});
    ASSERT_EQ(put(lane_, payload, kInfo, false, size + 1), Put::kWritten);
    Frame frame;
    ASSERT_EQ(tap_->next(frame), Parse::kFrame);
    EXPECT_EQ(frame.size % kFrameAlign, 0U);
    EXPECT_EQ(frame.size, LaneWriter::frame_bytes(size));
    ASSERT_LT(frame.payload_size - size, 8U);
    EXPECT_EQ(frame_id(frame.tag), size + 1);
    EXPECT_TRUE(std::equal(payload.begin(), payload.end(), frame.payload));
    EXPECT_EQ(line().busy.load(), 0U);
    tap_->commit();
  }
  EXPECT_EQ(line().records.load(), 200U);
}

TEST_F(LaneTest, ShowsTheRecordInFlightUntilItIsCommitted) {
  start();
  ASSERT_TRUE(lane_.writer.enter());
  ASSERT_EQ(lane_.make_room(32, kInfo, false), Room::kReady);
  lane_.writer.begin(32, frame_tag(FrameKind::kRecord, 77));
  EXPECT_EQ(line().busy.load() & kBusyPhaseMask, kBusyWriting);
  EXPECT_EQ(frame_id(line().busy.load() >> 2), 77U);
  EXPECT_EQ(read_all(), Sequences{});
  lane_.writer.leave();
}

TEST_F(LaneTest, AKeepingUpReaderKeepsTheWriterInItsFirstStep) {
  start();
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    ASSERT_EQ(write(i, 32 + 8 * (i % 40)), Put::kWritten);
    ASSERT_EQ(read_and_commit(), Sequences{i});
  }
  EXPECT_EQ(step(0), StepState::kHeld);
  EXPECT_EQ(step(1), StepState::kHole);
  EXPECT_EQ(dropped(), 0U);
}

TEST_F(LaneTest, StartsALapWhereverTheReaderHasCaughtUp) {
  start();
  std::uint64_t sequence = 0;
  for (std::size_t frames = 1; frames <= 300; ++frames) {
    // Enough to make the fast path fail at the end of the first step, at every offset.
    Sequences written;
    while (offset() + 24 * frames <= 8 << 10 && written.size() < frames) {
      ASSERT_EQ(write(sequence, 40 + 8 * (sequence % 3)), Put::kWritten);
      written.push_back(sequence++);
    }
    ASSERT_EQ(read_and_commit(), written);
    lane_.writer.limit[0] = lane_.writer.limit[1] = 0;  // the slow path, now
    ASSERT_EQ(write(sequence, 32), Put::kWritten);
    EXPECT_EQ(offset(), 32U) << "a new lap";
    ASSERT_EQ(read_and_commit(), Sequences{sequence++});
  }
}

TEST_F(LaneTest, StartsNoLapBeforeTheOldOneHasBeenRead) {
  start();
  Frame frame;
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_EQ(write(i, 8 << 10, kWarning), Put::kWritten);
  for (std::uint64_t i = 4; i < 8; ++i) ASSERT_EQ(write(i, 8 << 10, kWarning), Put::kWritten);
  // Full. One read is not enough for a record of the same size until it is committed.
  ASSERT_EQ(tap_->next(frame), Parse::kFrame);
  EXPECT_EQ(write(8, 8 << 10, kWarning), Put::kDropped);
  tap_->commit();
  EXPECT_EQ(write(9, 8 << 10, kWarning), Put::kDropped) << "gap and record need 72 bytes more";
  EXPECT_EQ(write(10, 4 << 10, kWarning), Put::kWritten);
  EXPECT_EQ(lane_.writer.newest, kLane);
  EXPECT_EQ(read_all(), (Sequences{1, 2, 3, 4, 5, 6, 7, 1'000'002, 10}));
}

TEST_F(LaneTest, AReaderBehindBoundsTheNewLap) {
  start();
  Frame frame;
  for (std::uint64_t i = 0; i < 8; ++i) ASSERT_EQ(write(i, 8 << 10, kWarning), Put::kWritten);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(tap_->next(frame), Parse::kFrame);
  tap_->commit();
  for (std::uint64_t i = 8; i < 11; ++i) ASSERT_EQ(write(i, 8 << 10, kWarning), Put::kWritten) << i;
  EXPECT_EQ(write(11, 32, kWarning), Put::kDropped) << "the reader's bytes begin here";
  EXPECT_EQ(read_and_commit(), (Sequences{3, 4, 5, 6, 7, 8, 9, 10}));
}

// A lap begun while a little is unread would shut the writer into the few bytes that were read, with a lane
// nearly empty.
TEST_F(LaneTest, AReaderALittleBehindLeavesTheWholeLaneToABurst) {
  start(4 << 20);
  Frame frame;
  std::uint64_t sequence = 0;
  while (offset() + 64 <= 7 << 10) ASSERT_EQ(write(sequence++, 64), Put::kWritten);
  for (int i = 0; i < 80; ++i) ASSERT_EQ(tap_->next(frame), Parse::kFrame);
  tap_->commit();
  for (int i = 0; i < 50'000; ++i) ASSERT_EQ(write(sequence++, 64), Put::kWritten) << "after " << i;
}

TEST_F(LaneTest, ALaneThatIsFollowedCloselyStaysInHalfItsSize) {
  start(512 << 10);
  Frame frame;
  std::uint64_t sequence = 0;
  ASSERT_EQ(write(sequence++, 64), Put::kWritten);
  for (int i = 0; i < 50'000; ++i) {
    ASSERT_EQ(write(sequence++, 64), Put::kWritten);
    ASSERT_EQ(tap_->next(frame), Parse::kFrame);  // always one behind
    tap_->commit();
  }
  EXPECT_LE(lane_memory(side(), lane_.lane), (256 + 64) << 10);
}

// --- Room

TEST_F(LaneTest, TakesAFrameThatFitsExactlyAndNotOneMore) {
  start();
  for (std::uint64_t i = 0; i < 4; ++i) ASSERT_EQ(write(i, 16 << 10, kWarning), Put::kWritten);
  EXPECT_EQ(offset(), kLane);
  EXPECT_EQ(write(4, 32, kWarning), Put::kDropped);
  EXPECT_EQ(dropped_for(DropReason::kLaneFull), 1U);
  EXPECT_EQ(read_all(), (Sequences{0, 1, 2, 3}));
}

TEST_F(LaneTest, RefusesFrameLongerThanHalfOfTheLane) {
  start();
  EXPECT_EQ(lane_.max_frame(), 32U << 10);
  EXPECT_EQ(write(1, (32 << 10) + 8, kWarning), Put::kDropped);
  EXPECT_EQ(dropped_for(DropReason::kOversize), 1U);
  EXPECT_EQ(write(2, 32 << 10, kWarning), Put::kWritten);
  EXPECT_EQ(read_all(), (Sequences{1'000'001, 2}));
}

TEST_F(LaneTest, NoFrameIsLongerThanTwoMebibytes) {
  start(8 << 20, 1);
  EXPECT_EQ(lane_.max_frame(), 2U << 20);
}

TEST_F(LaneTest, AReadPositionAheadOfTheWriterIsNotBelieved) {
  start();
  ASSERT_EQ(write(1, 64), Put::kWritten);
  side().consumer_line(lane_.lane).read.store(1 << 20);
  lane_.writer.limit[0] = lane_.writer.limit[1] = 0;
  EXPECT_EQ(write(2, 64), Put::kDropped);
}

// --- Drops and gaps

TEST_F(LaneTest, TellsDropsByAGapInFrontOfTheNextRecord) {
  start();
  ASSERT_EQ(write(1, 64), Put::kWritten);
  lane_.count_drop(10, DropReason::kMemory);
  lane_.count_drop(20, DropReason::kMemory);
  lane_.count_drop(50, DropReason::kLaneFull);
  const std::uint64_t before = line().committed.load();
  ASSERT_EQ(write(2, 64), Put::kWritten);
  EXPECT_EQ(line().committed.load() - before, sizeof(GapFrame) + 64);
  Frame frame;
  ASSERT_EQ(tap_->next(frame), Parse::kFrame);
  ASSERT_EQ(tap_->next(frame), Parse::kFrame);
  ASSERT_EQ(frame.kind(), FrameKind::kGap);
  GapFrame gap;
  std::memcpy(&gap, frame.payload - sizeof(FrameHeader), sizeof gap);
  EXPECT_EQ(gap.dropped[0], 1U);
  EXPECT_EQ(gap.dropped[1], 1U);
  EXPECT_EQ(gap.dropped[2], 0U);
  EXPECT_EQ(gap.dropped[4], 1U);
  EXPECT_LT(gap.first_ticks, gap.last_ticks);
  EXPECT_LT(gap.last_ticks, frame.ticks);
  ASSERT_EQ(tap_->next(frame), Parse::kFrame);
  EXPECT_EQ(frame.kind(), FrameKind::kRecord);
  ASSERT_EQ(write(3, 64), Put::kWritten);
  ASSERT_EQ(tap_->next(frame), Parse::kFrame);
  EXPECT_EQ(frame.kind(), FrameKind::kRecord) << "one gap, told once";
}

TEST_F(LaneTest, NestedRecordIsCountedAndLeavesTheOuterOneWhole) {
  start();
  ASSERT_EQ(write(1, 64), Put::kWritten);
  ASSERT_TRUE(lane_.writer.enter());
  ASSERT_TRUE(lane_.writer.has_room(64, 1));
  std::byte* at = lane_.writer.begin(64, frame_tag(FrameKind::kRecord, 1));
  EXPECT_EQ(write(2, 64), Put::kDropped);
  const auto payload = pattern(3, 48);
  std::memcpy(at, payload.data(), payload.size());
  (void)lane_.writer.commit();
  EXPECT_EQ(dropped_for(DropReason::kNested), 1U);
  ASSERT_EQ(write(4, 64), Put::kWritten);
  EXPECT_EQ(read_all(), (Sequences{1, 3, 1'000'001, 4}));
}

}  // namespace
}  // namespace logbus::shm::lane_test
