// SPDX-License-Identifier: MIT
// One lane's room: the reserve, steps and memory, and waiting for the reader to make some.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>

#include "lane_test.h"
#include "shm/caretaker.h"
#include "shm/doorbell.h"
#include "shm/lane_directory.h"

namespace logbus::shm::lane_test {
namespace {

// --- The reserve

TEST_F(LaneTest, KeepsAnEighthForWarningsWhenFull) {
  start();
  std::uint64_t sequence = 0;
  while (write(sequence, 1024, kInfo) == Put::kWritten) ++sequence;
  EXPECT_EQ(sequence, 56U) << "seven eighths of 64 KiB";
  EXPECT_EQ(write(100, 1024, 29), Put::kDropped);
  std::uint64_t warnings = 0;
  while (write(1000 + warnings, 1024, kWarning) == Put::kWritten) ++warnings;
  EXPECT_EQ(warnings, 7U) << "an eighth less the gap frame";
  EXPECT_EQ(line().dropped[1].load(), 2U);
  EXPECT_EQ(line().dropped[2].load(), 1U);
}

TEST_F(LaneTest, KeepsAnEighthOfWhatTheBudgetGrants) {
  options_.memory = 8 << 10;
  start();
  std::uint64_t sequence = 0;
  while (write(sequence, 512, kInfo) == Put::kWritten) ++sequence;
  EXPECT_EQ(sequence, 14U) << "seven eighths of 8 KiB";
  EXPECT_EQ(dropped_for(DropReason::kMemory), 1U);
  std::uint64_t warnings = 0;
  while (write(1000 + warnings, 512, kWarning) == Put::kWritten) ++warnings;
  EXPECT_EQ(warnings, 1U) << "1 KiB less the gap frame";
}

TEST_F(LaneTest, BelowWarningGrowsBeforeItEatsTheReserve) {
  start();
  while (offset() + 512 <= 7 << 10) ASSERT_EQ(write(0, 512, kInfo), Put::kWritten);
  EXPECT_EQ(step(1), StepState::kHole);
  ASSERT_EQ(write(0, 512, kInfo), Put::kWritten);
  EXPECT_NE(step(1), StepState::kHole);
  EXPECT_EQ(step(0), StepState::kHeld);
}

TEST_F(LaneTest, WarningsEatTheReserveBeforeTheyGrow) {
  start();
  while (offset() + 512 <= 8 << 10) ASSERT_EQ(write(0, 512, kWarning), Put::kWritten);
  EXPECT_EQ(step(1), StepState::kHole);
}

// --- Steps and memory

TEST_F(LaneTest, HoldsTheStepsItWritesAndLetsGoOfThoseBehind) {
  start(512 << 10);
  for (std::uint64_t i = 0; i < 9; ++i) ASSERT_EQ(write(i, 24 << 10, kWarning), Put::kWritten);
  // 216 KiB written: the last frame lies in [192, 216).
  EXPECT_EQ(step(0), StepState::kBacked);
  EXPECT_EQ(step(1), StepState::kBacked);
  EXPECT_EQ(step(2), StepState::kBacked);
  EXPECT_EQ(step(4), StepState::kHeld);
  EXPECT_EQ(step(5), StepState::kHole);
  lane_.close();
  EXPECT_EQ(static_cast<StepState>(side().step_table(0)[4].load()), StepState::kBacked);
}

TEST_F(LaneTest, CountsItsMemoryInSlotAndBudget) {
  start(512 << 10);
  const std::int64_t before = side().shared().budget_left.load();
  for (std::uint64_t i = 0; i < 6; ++i) ASSERT_EQ(write(i, 24 << 10, kWarning), Put::kWritten);
  EXPECT_EQ(lane_memory(side(), lane_.lane), 192U << 10);
  EXPECT_EQ(before - side().shared().budget_left.load(), 192 << 10);
  EXPECT_EQ(worker_->slot().memory_bytes.load(), 192U << 10);
}

TEST_F(LaneTest, GrowsNoFurtherThanTheBudget) {
  options_.memory = 64 << 10;
  start(512 << 10);
  std::uint64_t n = 0;
  while (write(n, 8 << 10, kWarning) == Put::kWritten) ++n;
  EXPECT_EQ(n, 8U);
  EXPECT_EQ(dropped_for(DropReason::kMemory), 1U);
  EXPECT_EQ(side().shared().budget_left.load(), 0);
  EXPECT_EQ(step(2), StepState::kHole);
  EXPECT_EQ(read_and_commit().size(), 8U);
  EXPECT_EQ(write(100, 4 << 10, kWarning), Put::kWritten) << "what it has, it keeps";
}

TEST_F(LaneTest, GrowsNoFurtherThanTheProcessMay) {
  options_.max_per_process = 64 << 10;
  start(512 << 10);
  LaneOwner other = {};
  ASSERT_EQ(other.claim(*worker_, 2, ""), Claim::kOk);
  ASSERT_EQ(put(other, pattern(1, 32), kInfo), Put::kWritten);
  std::uint64_t n = 0;
  while (write(n, 4 << 10, kWarning) == Put::kWritten) ++n;
  EXPECT_EQ(n, 2U) << "8 KiB of 64 are the other lane's, a step of 56 does not fit";
  EXPECT_EQ(dropped_for(DropReason::kMemory), 1U);
  other.close();
}

TEST_F(LaneTest, AFailedGrowthLetsGoOfWhatItHadTaken) {
  options_.memory = (64 + 32) << 10;
  start(512 << 10);
  for (std::uint64_t i = 0; i < 7; ++i) ASSERT_EQ(write(i, 8 << 10, kWarning), Put::kWritten);
  // At 56 KiB; 24 KiB would need step 1, which it holds, and step 2, which the budget refuses.
  EXPECT_EQ(write(7, 24 << 10, kWarning), Put::kDropped);
  EXPECT_EQ(step(1), StepState::kHeld);
  EXPECT_EQ(step(2), StepState::kHole);
  EXPECT_EQ(side().shared().budget_left.load(), 32 << 10);
  EXPECT_EQ(write(8, 4 << 10, kWarning), Put::kWritten);
}

TEST_F(LaneTest, TakesNoStepThatIsBeingPunched) {
  start();
  side().step_table(lane_.lane)[0].store(static_cast<std::uint8_t>(StepState::kPunching));
  EXPECT_EQ(write(1, 64), Put::kDropped);
  EXPECT_EQ(step(0), StepState::kPunching);
  side().step_table(lane_.lane)[0].store(static_cast<std::uint8_t>(StepState::kHole));
  EXPECT_EQ(write(2, 64), Put::kWritten);
}

// --- Waiting for room

class BlockTest : public LaneTest {
 protected:
  void start_full() {
    options_.overflow = Policy::kBlock;
    start();
    while (write(0, 4 << 10, kWarning) == Put::kWritten) continue;
    drops_ = dropped();
  }
  Put wait_for_room() { return put(lane_, pattern(7, 1024), kWarning, true); }
  std::chrono::milliseconds waited(Put expected) {
    const auto before = std::chrono::steady_clock::now();
    EXPECT_EQ(wait_for_room(), expected);
    return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - before);
  }
  std::uint64_t drops_ = 0;
};

TEST_F(BlockTest, WaitsNotAtAllWithoutASidecar) {
  options_.block_timeout = std::chrono::hours(1);
  start_full();
  EXPECT_LT(waited(Put::kDropped), std::chrono::seconds(5));
  EXPECT_EQ(dropped(), drops_ + 1);
}

TEST_F(BlockTest, WaitsNoLongerThanItsTimeoutThenDropsAndCounts) {
  options_.block_timeout = std::chrono::milliseconds(250);
  start_full();
  const Caretaker caretaker(side(), options_, "");
  const auto time = waited(Put::kDropped);
  EXPECT_GE(time, std::chrono::milliseconds(250));
  EXPECT_LT(time, std::chrono::seconds(5));
  EXPECT_EQ(dropped(), drops_ + 1);
  EXPECT_EQ(side().blocked_bitmap()[0].load(), 0U);
}

TEST_F(BlockTest, DoesNotWaitWhenItsCallerMayNot) {
  options_.block_timeout = std::chrono::hours(1);
  start_full();
  const Caretaker caretaker(side(), options_, "");
  EXPECT_EQ(put(lane_, pattern(7, 1024), kWarning, false), Put::kDropped);
}

TEST_F(BlockTest, GoesOnAsSoonAsTheReaderHasMadeRoom) {
  options_.block_timeout = std::chrono::hours(1);
  start_full();
  const Caretaker caretaker(side(), options_, "");
  Doorbell doorbell(side());
  std::thread reader([&] {
    while (side().blocked_bitmap()[0].load() == 0) std::this_thread::yield();
    (void)read_and_commit();
    doorbell.wake_blocked();
  });
  EXPECT_EQ(wait_for_room(), Put::kWritten);
  reader.join();
  EXPECT_EQ(side().blocked_bitmap()[0].load(), 0U);
  EXPECT_EQ(dropped(), drops_);
}

TEST_F(BlockTest, StopsWaitingWhenTheSidecarHasGone) {
  options_.block_timeout = std::chrono::hours(1);
  start_full();
  auto caretaker = std::make_unique<Caretaker>(side(), options_, "");
  std::thread end([&] {
    while (side().blocked_bitmap()[0].load() == 0) std::this_thread::yield();
    caretaker.reset();
  });
  EXPECT_LT(waited(Put::kDropped), std::chrono::seconds(5));
  end.join();
}

}  // namespace
}  // namespace logbus::shm::lane_test
