// SPDX-License-Identifier: MIT
// The merge: order, the watermark, late records, clocks that lie, drops.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <random>
#include <vector>

#include "lane_merge_test.h"

namespace logbus::consumer::lane_merge_test {
namespace {

TEST_F(LaneMergeTest, GivesNothingOnAnEmptyBus) {
  start(2);
  EXPECT_EQ(pass_and_take(), Sequences{});
  EXPECT_FALSE(merge_->holding());
  EXPECT_FALSE(merge_->anything_new());
}

TEST_F(LaneMergeTest, GivesFramesOfAllLanesInTheOrderOfTheirStamps) {
  start(3);
  Sequences expected;
  std::mt19937 random(7);
  for (std::uint64_t i = 0; i < 200; ++i) {
    write(random() % 3, i);
    expected.push_back(i);
  }
  EXPECT_TRUE(merge_->anything_new());
  EXPECT_EQ(pass_and_take(), expected);
  EXPECT_FALSE(merge_->anything_new());
  EXPECT_EQ(late_, 0);
}

TEST_F(LaneMergeTest, GivesOnlyWhatThePassHasSeen) {
  start(1);
  write(0, 1);
  merge_->pass(false);
  write(0, 2);
  EXPECT_EQ(take(), Sequences{1});
  EXPECT_EQ(pass_and_take(), Sequences{2});
}

TEST_F(LaneMergeTest, MovesReadPositionsOnlyAtCommit) {
  start(2);
  write(0, 1);
  write(1, 2);
  merge_->pass(false);
  Frame frame;
  std::uint32_t lane = 0;
  ASSERT_TRUE(merge_->next(frame, lane));
  EXPECT_EQ(read(0), 0U);
  merge_->commit();
  EXPECT_EQ(read(0), frame.size);
  EXPECT_EQ(read(1), 0U) << "its frame has not been given";
  EXPECT_EQ(take(), Sequences{2});
  merge_->commit();
  EXPECT_EQ(read(1), frame.size);
}

TEST_F(LaneMergeTest, GoesOnWhereItsPredecessorCommitted) {
  start(1);
  write(0, 1);
  write(0, 2);
  merge_->pass(false);
  Frame frame;
  std::uint32_t lane = 0;
  ASSERT_TRUE(merge_->next(frame, lane));
  merge_->commit();
  ASSERT_TRUE(merge_->next(frame, lane));  // given, not committed
  merge_ = std::make_unique<LaneMerge>(*side_, *caretaker_);
  EXPECT_EQ(pass_and_take(), Sequences{2});
}

TEST_F(LaneMergeTest, FollowsManyLaps) {
  start(2);
  std::uint64_t sequence = 0;
  for (int round = 0; round < 300; ++round) {
    Sequences expected;
    for (int i = 0; i < 20; ++i) {
      write(sequence % 2, sequence, 16 + 8 * (sequence % 50));
      expected.push_back(sequence++);
    }
    ASSERT_EQ(pass_and_take(), expected);
    merge_->commit();
  }
  EXPECT_GT(lanes_[0].writer.newest, 0U);
}

// --- The watermark

TEST_F(LaneMergeTest, HoldsBackWhileALaneIsAboutToStamp) {
  options_.max_hold = 1h;
  start(2);
  EXPECT_EQ(pass_and_take(), Sequences{});  // both lanes seen idle: the bound
  begin_stamping(1);
  write(0, 1);
  EXPECT_EQ(pass_and_take(), Sequences{}) << "lane 1's record may be older";
  EXPECT_TRUE(merge_->holding());
  end_stamping(1);
  write(0, 2);
  EXPECT_EQ(pass_and_take(), (Sequences{1, 901, 2}));
  EXPECT_FALSE(merge_->holding());
  EXPECT_EQ(late_, 0);
}

TEST_F(LaneMergeTest, GivesWhatIsOlderThanTheLaneThatStamps) {
  options_.max_hold = 1h;
  start(2);
  write(0, 1);
  EXPECT_EQ(pass_and_take(), Sequences{1});
  write(0, 2);
  merge_->pass(false);  // lane 1 idle: nothing of it can be older than this moment
  begin_stamping(1);
  merge_->pass(false);
  EXPECT_EQ(take(), Sequences{2});
  end_stamping(1);
}

TEST_F(LaneMergeTest, ALaneThatOnlyWritesItsPayloadHoldsNobodyBack) {
  options_.max_hold = 1h;
  start(2);
  begin_stamping(1);
  lanes_[1].writer.line->busy.store(kBusyWriting);
  write(0, 1);
  EXPECT_EQ(pass_and_take(), Sequences{1});
  end_stamping(1);
  EXPECT_EQ(pass_and_take(), Sequences{901});
  EXPECT_EQ(late_, 0);
}

TEST_F(LaneMergeTest, HoldsNoLongerThanMaxHoldAndThenSaysLate) {
  options_.max_hold = 20ms;
  start(2);
  begin_stamping(1);
  std::uint64_t old = read_ticks(side_->preamble().clock_source);
  write(0, 1);
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  Sequences found;
  while (found.empty() && std::chrono::steady_clock::now() < deadline) found = pass_and_take();
  EXPECT_EQ(found, Sequences{1});
  end_stamping(1);
  restamp(1, 32, old);  // it had been stopped between its stamp and its commit
  EXPECT_EQ(pass_and_take(), Sequences{901});
  EXPECT_EQ(late_, 1);
}

TEST_F(LaneMergeTest, WaitsForNoLaneWhoseWriterIsDead) {
  options_.max_hold = 1h;
  start(1);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto doomed = Attachment::attach(options_, "doomed");
    LaneOwner lane = {};
    if (lane.claim(*doomed, 1, "") != Claim::kOk) ::_exit(1);
    if (put(lane, pattern(5, 16), kInfo) != Put::kWritten) ::_exit(1);
    lane.writer.line->busy.store(kBusyStamping);
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  write(0, 1);
  EXPECT_EQ(pass_and_take(), Sequences{}) << "nobody has looked at its lock yet";
  caretaker_->sweep_all();
  EXPECT_EQ(pass_and_take(), (Sequences{5, 1}));
}

TEST_F(LaneMergeTest, WaitsForNothingWhenAskedForEverything) {
  options_.max_hold = 1h;
  start(2);
  begin_stamping(1);
  write(0, 1);
  EXPECT_EQ(pass_and_take(), Sequences{});
  EXPECT_EQ(pass_and_take(true), Sequences{1});
  end_stamping(1);
}

TEST_F(LaneMergeTest, UnderPressureGivesWhatIsThere) {
  options_.max_hold = 1h;
  start(2);
  begin_stamping(1);
  for (std::uint64_t i = 0; i < 5; ++i) write(0, i, 8 << 10);
  const Sequences found = pass_and_take();
  EXPECT_EQ(found.size(), 5U) << "the lane is more than half full";
  end_stamping(1);
}

// --- Clocks that lie

TEST_F(LaneMergeTest, AStampFromTheFutureIsCountedAndGivenWithTheNextPasses) {
  options_.max_hold = 1h;
  start(2);
  write(0, 1);
  restamp(0, 64, ~std::uint64_t{0});
  write(1, 2);
  Sequences found;
  for (int i = 0; i < 4; ++i)
    for (const std::uint64_t n : pass_and_take()) found.push_back(n);
  EXPECT_EQ(found, (Sequences{2, 1}));
  EXPECT_EQ(side_->consumer().clock_anomalies.load(), 1U);
  write(0, 3);
  EXPECT_EQ(pass_and_take(), Sequences{3});
  EXPECT_EQ(late_, 0) << "what was from the future makes nobody late";
}

TEST_F(LaneMergeTest, AStampOfZeroIsLate) {
  start(1);
  write(0, 1);
  EXPECT_EQ(pass_and_take(), Sequences{1});
  write(0, 2);
  restamp(0, 64, 0);
  EXPECT_EQ(pass_and_take(), Sequences{2});
  EXPECT_EQ(late_, 1);
}

// --- Across a restart

TEST_F(LaneMergeTest, WhatIsOlderThanWhatItsPredecessorGaveIsLate) {
  start(2);
  write(0, 1);
  write(1, 2);
  EXPECT_EQ(pass_and_take(), (Sequences{1, 2}));
  merge_->commit(false);
  merge_ = std::make_unique<LaneMerge>(*side_, *caretaker_);
  EXPECT_EQ(pass_and_take(), Sequences{2}) << "given, but not committed";
  EXPECT_EQ(late_, 0);
  merge_->commit();
  merge_ = std::make_unique<LaneMerge>(*side_, *caretaker_);
  EXPECT_EQ(merge_->newest_ticks(true), side_->consumer().newest_ticks.load());
  write(0, 3);
  restamp(0, 64, side_->consumer().newest_ticks.load() - 1);
  write(1, 4);
  EXPECT_EQ(pass_and_take(), (Sequences{3, 4}));
  EXPECT_EQ(late_, 1) << "the first of them";
}

TEST_F(LaneMergeTest, AStampThatCannotHaveBeenGivenMakesNobodyLateForLong) {
  start(1);
  write(0, 1);
  side_->consumer().newest_ticks.store(~std::uint64_t{0});
  merge_ = std::make_unique<LaneMerge>(*side_, *caretaker_);
  write(0, 2);
  EXPECT_EQ(pass_and_take(), (Sequences{1, 2}));
  EXPECT_EQ(late_, 1) << "what was there before may be so";
  merge_->commit();
  EXPECT_LE(side_->consumer().newest_ticks.load(), read_ticks(side_->preamble().clock_source));
}

// --- Drops

TEST_F(LaneMergeTest, NamesLanesWhoseDropsNoGapWillTell) {
  start(2);
  write(0, 1);
  lanes_[0].count_drop(kInfo, DropReason::kLaneFull);
  (void)pass_and_take();
  EXPECT_TRUE(merge_->lanes_with_untold_drops().empty()) << "its next record may bring a gap";
  const std::uint32_t lane = lanes_[0].lane;
  lanes_[0].close();
  ASSERT_EQ(merge_->lanes_with_untold_drops(), std::vector<std::uint32_t>{lane});
  merge_->take_as_told(lane, severity_of(kInfo), 1);
  EXPECT_TRUE(merge_->lanes_with_untold_drops().empty());
  merge_->commit();
  EXPECT_EQ(side_->consumer_line(lane).reported[severity_of(kInfo)].load(), 1U);
  caretaker_->sweep_all();
  EXPECT_EQ(unpack_lane(side_->producer_line(lane).word.load()).state, LaneState::kFree);
}

TEST_F(LaneMergeTest, TellsNoDropsFromTheLineWhileRecordsAreUnread) {
  start(1);
  write(0, 1);
  lanes_[0].count_drop(kInfo, DropReason::kLaneFull);
  write(0, 2);  // with the gap in front of it
  lanes_[0].close();
  EXPECT_TRUE(merge_->lanes_with_untold_drops().empty());
}

}  // namespace
}  // namespace logbus::consumer::lane_merge_test
