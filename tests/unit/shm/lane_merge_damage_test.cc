// SPDX-License-Identifier: MIT
// The merge over lanes that make no sense: told once, let again, and the other lanes lose nothing.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "lane_merge_test.h"
#include "shm/lane_directory.h"

namespace logbus::consumer::lane_merge_test {
namespace {

TEST_F(LaneMergeTest, QuarantinesACorruptLaneOnceAndGoesOnWithTheOthers) {
  start(2);
  write(0, 1);
  write(0, 2);
  write(1, 3);
  const std::uint32_t nonsense = 12345;
  std::memcpy(lanes_[0].writer.data + 64, &nonsense, sizeof nonsense);  // the second frame's size
  EXPECT_EQ(pass_and_take(), (Sequences{1, 3}));
  EXPECT_EQ(merge_->take_quarantined(), (std::vector<LaneMerge::Quarantined>{{lanes_[0].lane, 64}}));
  EXPECT_EQ(side_->consumer_line(lanes_[0].lane).quarantined.load(), 65U);
  EXPECT_EQ(side_->consumer().quarantined_lanes.load(), 1U);
  for (std::uint64_t i = 10; i < 20; ++i) {
    write(0, i);
    write(1, i);
    EXPECT_EQ(pass_and_take(), Sequences{i});
    EXPECT_FALSE(merge_->anything_new()) << "or the reader would never sleep again";
    merge_->commit();
  }
  EXPECT_TRUE(merge_->take_quarantined().empty());
}

TEST_F(LaneMergeTest, ACorruptLaneIsLetAgainOnceItsWriterIsGone) {
  start(1);
  const std::uint32_t index = lanes_[0].lane;
  write(0, 1);
  const std::uint32_t nonsense = 4;
  std::memcpy(lanes_[0].writer.data, &nonsense, sizeof nonsense);
  EXPECT_EQ(pass_and_take(), Sequences{});
  lanes_[0].close();
  EXPECT_EQ(pass_and_take(), Sequences{});
  merge_->commit();
  caretaker_->sweep_all();
  ASSERT_EQ(unpack_lane(side_->producer_line(index).word.load()).state, LaneState::kFree);
  ASSERT_EQ(lanes_[0].claim(*worker_, 1, ""), Claim::kOk);
  ASSERT_EQ(lanes_[0].lane, index);
  write(0, 2);
  EXPECT_EQ(pass_and_take(), Sequences{2});
}

TEST_F(LaneMergeTest, ALaneWhosePositionsGoBackIsLetAgainOnceItsWriterIsGone) {
  start(1);
  const std::uint32_t index = lanes_[0].lane;
  for (std::uint64_t i = 1; i < 4; ++i) write(0, i);
  EXPECT_EQ(pass_and_take(), (Sequences{1, 2, 3}));
  merge_->commit();
  const std::uint64_t read = side_->consumer_line(index).read.load();
  side_->producer_line(index).committed.store(8);
  EXPECT_EQ(pass_and_take(), Sequences{});
  EXPECT_EQ(merge_->take_quarantined(), (std::vector<LaneMerge::Quarantined>{{index, read}}));
  lanes_[0].close();
  EXPECT_EQ(pass_and_take(), Sequences{});
  merge_->commit();
  caretaker_->sweep_all();
  EXPECT_EQ(unpack_lane(side_->producer_line(index).word.load()).state, LaneState::kFree);
  EXPECT_EQ(side_->producer_line(index).committed.load(), read) << "positions go on where they were";
  EXPECT_EQ(side_->consumer_line(index).read.load(), read);
  EXPECT_EQ(shm::lane_memory(*side_, index), 0U);
}

TEST_F(LaneMergeTest, AFreeLaneThatSomebodyHasWrittenToIsPutRight) {
  start(1);
  shm::ProducerLine& line = side_->producer_line(5);
  line.committed.store(4096);
  side_->step_table(5)[0].store(static_cast<std::uint8_t>(StepState::kHeld));
  side_->step_table(5)[1].store(77);
  EXPECT_EQ(pass_and_take(), Sequences{});
  EXPECT_EQ(pass_and_take(), Sequences{});
  merge_->commit();
  caretaker_->sweep_all();
  EXPECT_EQ(unpack_lane(line.word.load()).state, LaneState::kFree);
  EXPECT_EQ(line.committed.load(), 0U);
  EXPECT_EQ(shm::lane_memory(*side_, 5), 0U);
}

TEST_F(LaneMergeTest, ALaneOfNoProcessIsLetAgain) {
  start(1);
  for (const LaneWord word : {LaneWord{LaneState::kOpen, 0x3FFF, 7}, LaneWord{LaneState{3}, 0, 7}}) {
    side_->producer_line(6).word.store(pack(word));
    caretaker_->sweep_all();
    (void)pass_and_take();
    caretaker_->sweep_all();
    EXPECT_EQ(unpack_lane(side_->producer_line(6).word.load()).state, LaneState::kFree);
  }
}

TEST_F(LaneMergeTest, TellsALaneThatIsBrokenAgainAndAgainOnce) {
  start(1);
  std::size_t told = 0;
  for (int i = 0; i < 10; ++i) {
    side_->producer_line(5).committed.store(~std::uint64_t{0} - 7);
    (void)pass_and_take();
    told += merge_->take_quarantined().size();
    merge_->commit();
    caretaker_->sweep_all();
  }
  EXPECT_EQ(told, 1U);
  EXPECT_EQ(side_->consumer().quarantined_lanes.load(), 10U);
}

TEST_F(LaneMergeTest, ACommittedPositionThatWentBackIsIgnored) {
  start(2);
  write(0, 1);
  write(0, 2);
  EXPECT_EQ(pass_and_take(), (Sequences{1, 2}));
  merge_->commit();
  lanes_[0].writer.line->committed.store(64);
  write(1, 3);
  EXPECT_EQ(pass_and_take(), Sequences{3});
  merge_->pass(false);
  EXPECT_FALSE(merge_->anything_new()) << "or the reader would never sleep again";
}

// Whatever lies in a lane's words and bytes: the other lane's records come all and in order, and a lane let
// again works.
TEST_F(LaneMergeTest, SurvivesAnyCorruptionOfALane) {
  options_.max_hold = 1ms;
  for (std::uint32_t seed = 1; seed <= 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::filesystem::remove(bus_path(options_));
    std::mt19937_64 random(seed);
    start(2);
    std::uint64_t sequence = 0, expected = 0;
    const auto drain = [&] {
      merge_->pass(false);
      Frame frame;
      std::uint32_t lane = 0;
      while (merge_->next(frame, lane)) {
        if (lane == lanes_[0].lane || frame.kind() == FrameKind::kGap) continue;
        std::uint64_t found = 0;
        ASSERT_TRUE(check_pattern({frame.payload, frame.payload_size}, found));
        ASSERT_EQ(found, expected++);
      }
      merge_->commit();
      caretaker_->look_after();
    };
    shm::ProducerLine& line = side_->producer_line(lanes_[0].lane);
    for (int round = 0; round < 40; ++round) {
      for (std::uint64_t n = random() % 6; n > 0; --n)
        (void)put(lanes_[0], pattern(0, 16 + random() % 100 * 8), kInfo);
      for (std::uint64_t n = random() % 6; n > 0; --n) {
        if (put(lanes_[1], pattern(sequence, 16 + random() % 100 * 8), kInfo) == Put::kWritten) ++sequence;
      }
      const std::uint64_t near = line.committed.load() + random() % 256 - 128;
      const std::uint64_t value = random() % 2 == 0 ? near : random() >> (random() % 64);
      switch (random() % 12) {
        case 0:
          line.committed.store(value);
          break;
        case 1:
          line.origin[0].store(value);
          break;
        case 2:
          line.origin[1].store(value);
          break;
        case 3:
          line.busy.store(static_cast<std::uint32_t>(value));
          break;
        case 4:
          line.dropped[random() % kSeverities].store(value);
          break;
        case 5:
        case 6:
        case 7: {
          const std::uint64_t held = step_end(0) - 8;
          if (lanes_[0].writer.limit[1] >= 64)
            std::memcpy(lanes_[0].writer.data + random() % (held / 8) * 8, &value, 8);
          break;
        }
        default:
          break;
      }
      drain();
      (void)merge_->lanes_with_untold_drops();
    }
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (expected < sequence && std::chrono::steady_clock::now() < deadline) drain();
    ASSERT_EQ(expected, sequence);
    // The lane's writer goes; whoever gets the lane next can use it.
    const std::uint32_t index = lanes_[0].lane;
    lanes_[0].close();
    for (int i = 0; i < 3; ++i) {
      merge_->pass(true);
      Frame frame;
      std::uint32_t lane = 0;
      while (merge_->next(frame, lane)) continue;
      for (const std::uint32_t told : merge_->lanes_with_untold_drops())
        for (std::size_t s = 0; s < kSeverities; ++s)
          merge_->take_as_told(told, s, side_->producer_line(told).dropped[s].load());
      merge_->commit();
      caretaker_->sweep_all();
    }
    ASSERT_EQ(unpack_lane(line.word.load()).state, LaneState::kFree);
    ASSERT_EQ(lanes_[0].claim(*worker_, 1, ""), Claim::kOk);
    ASSERT_EQ(lanes_[0].lane, index);
    for (std::uint64_t i = 0; i < 300; ++i) {
      ASSERT_EQ(put(lanes_[0], pattern(i, 16 + random() % 100 * 8), 30), Put::kWritten);
      merge_->pass(true);
      Frame frame;
      std::uint32_t lane = 0;
      ASSERT_TRUE(merge_->next(frame, lane));
      std::uint64_t found = 0;
      ASSERT_TRUE(check_pattern({frame.payload, frame.payload_size}, found));
      ASSERT_EQ(found, i);
      merge_->commit();
    }
    for (LaneOwner& lane : lanes_) lane.close();
    merge_.reset();
    worker_.reset();
    caretaker_.reset();
  }
}

}  // namespace
}  // namespace logbus::consumer::lane_merge_test
