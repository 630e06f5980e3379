// SPDX-License-Identifier: MIT
// One lane: laps, steps, room, the reserve, drops and gaps, claims. Writer and reader in one process, exact.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include <logbus/error.h>
#include "shm/caretaker.h"
#include "shm/lane_directory.h"
#include "support/rounds.h"
#include "support/shm_bus.h"

namespace logbus::shm {
namespace {

using namespace detail;
using testing::check_pattern;
using testing::LaneTap;
using testing::pattern;
using testing::Put;
using testing::put;
using testing::small_bus;
using testing::TempDir;

constexpr int kInfo = 20;
constexpr int kWarning = 30;
constexpr std::uint64_t kLane = 64 << 10;

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

// --- Signals

LaneOwner* signalled_lane = nullptr;
std::uint64_t signalled_calls = 0;
std::uint64_t signalled_records = 0;

void log_in_handler(int) {
  if (!signalled_lane->has_lane()) return;
  ++signalled_calls;
  std::array<std::byte, 48> payload;
  testing::fill_pattern(payload, 5);
  if (put(*signalled_lane, payload, kWarning) == Put::kWritten) ++signalled_records;
}

// A signal wherever it may come: in a record, in the slow path, while the lane is claimed or given back.
TEST_F(LaneTest, ASignalHandlerMayWriteOrIsCountedAtAnyMoment) {
  start();
  Caretaker caretaker(side(), options_, "");
  signalled_lane = &lane_;
  struct sigaction action = {};
  action.sa_handler = log_in_handler;
  struct sigaction before = {};
  ASSERT_EQ(::sigaction(SIGALRM, &action, &before), 0);
  const itimerval often = {{0, 100}, {0, 100}};
  ASSERT_EQ(::setitimer(ITIMER_REAL, &often, nullptr), 0);
  std::uint64_t calls = 0;
  std::uint64_t records = 0;
  std::uint64_t read = 0;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(400);
  while (std::chrono::steady_clock::now() < end) {
    for (int i = 0; i < 20; ++i) {
      ++calls;
      if (write(9, 4 << 10, kWarning) == Put::kWritten) ++records;
    }
    lane_.close();
    Frame frame;
    while (tap_->next(frame) == Parse::kFrame)
      if (frame.kind() == FrameKind::kRecord) ++read;
    tap_->commit();
    for (std::size_t i = 0; i < kSeverities; ++i)
      side().consumer_line(0).reported[i].store(side().producer_line(0).dropped[i].load());
    caretaker.sweep_all();
    ASSERT_EQ(lane_.claim(*worker_, 1, ""), Claim::kOk);
    ASSERT_EQ(lane_.lane, 0U);
  }
  const itimerval off = {};
  ::setitimer(ITIMER_REAL, &off, nullptr);
  ::sigaction(SIGALRM, &before, nullptr);
  EXPECT_GT(signalled_calls, 10U);
  while (true) {
    Frame frame;
    if (tap_->next(frame) != Parse::kFrame) break;
    if (frame.kind() == FrameKind::kRecord) ++read;
  }
  EXPECT_EQ(read, records + signalled_records);
  EXPECT_EQ(read + dropped(), calls + signalled_calls);
}

// --- All together

// Any mix of sizes, severities, read and commit: what was written comes back once, in order, whole; written +
// dropped is what was asked; the gaps tell every drop.
TEST_F(LaneTest, GivesBackEveryRecordOnceWhateverTheOrderOfEvents) {
  for (int seed = 1; seed <= rounds(60); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(static_cast<unsigned>(seed));
    const TempDir directory;
    BusOptions options = small_bus(directory, 1, seed % 3 == 0 ? kLane : 4 * kLane);
    options.memory = seed % 2 == 0 ? 64 << 20 : (72 + random() % 200) << 10;
    const Segment side = Segment::open(options, Segment::Role::kSidecar);
    Caretaker caretaker(side, options, "");
    const auto worker = Attachment::attach(options, "w");
    LaneOwner lane = {};
    ASSERT_EQ(lane.claim(*worker, 1, ""), Claim::kOk);
    LaneTap tap(side, 0);
    std::deque<std::uint64_t> expected;
    std::uint64_t calls = 0, written = 0, told = 0;
    const std::size_t largest = random() % 2 == 0 ? 200 : options.lane_size / 2 / 8;
    for (int i = 0; i < 3000; ++i) {
      const std::uint32_t what = random() % 16;
      if (what < 10) {
        const int levelno = random() % 4 == 0 ? kWarning : kInfo;
        const Put result = put(lane, pattern(calls, 16 + random() % (largest - 4) * 8), levelno);
        if (result == Put::kWritten) {
          expected.push_back(calls);
          ++written;
        }
        ++calls;
      } else if (what < 14) {
        Frame frame;
        for (std::uint32_t n = random() % 8; n > 0 && tap.next(frame) == Parse::kFrame; --n) {
          if (frame.kind() == FrameKind::kGap) {
            GapFrame gap;
            std::memcpy(&gap, frame.payload - sizeof(FrameHeader), sizeof gap);
            std::uint64_t sum = 0;
            for (const std::uint64_t d : gap.dropped) sum += d;
            ASSERT_GT(sum, told);
            told = sum;
            continue;
          }
          std::uint64_t sequence = 0;
          ASSERT_TRUE(check_pattern({frame.payload, frame.payload_size}, sequence)) << "torn";
          ASSERT_FALSE(expected.empty());
          ASSERT_EQ(sequence, expected.front());
          expected.pop_front();
        }
      } else if (what == 14) {
        tap.commit();
      } else {
        caretaker.sweep_all();
      }
      ASSERT_LE(lane.writer.position - lane.writer.newest, options.lane_size);
      ASSERT_LE(lane.writer.limit[0], lane.writer.limit[1]);
      ASSERT_LE(lane.writer.limit[1], options.lane_size);
    }
    std::uint64_t dropped = 0;
    for (const Word64& n : side.producer_line(0).dropped) dropped += n.load();
    EXPECT_EQ(written + dropped, calls);
    EXPECT_EQ(side.producer_line(0).records.load(), written);
    // The rest: all read, then one record more brings the last gap.
    Frame frame;
    const auto drain = [&] {
      Parse result;
      while ((result = tap.next(frame)) == Parse::kFrame) {
        if (frame.kind() == FrameKind::kGap) {
          GapFrame gap;
          std::memcpy(&gap, frame.payload - sizeof(FrameHeader), sizeof gap);
          told = 0;
          for (const std::uint64_t d : gap.dropped) told += d;
        } else if (!expected.empty()) {
          std::uint64_t sequence = 0;
          EXPECT_TRUE(check_pattern({frame.payload, frame.payload_size}, sequence));
          EXPECT_EQ(sequence, expected.front());
          expected.pop_front();
        }
      }
      EXPECT_EQ(result, Parse::kEnd);
      tap.commit();
    };
    drain();
    EXPECT_TRUE(expected.empty());
    caretaker.sweep_all();
    EXPECT_EQ(put(lane, pattern(calls, 16), kWarning), Put::kWritten);
    drain();
    EXPECT_EQ(told, dropped);
    lane.close();
  }
}

}  // namespace
}  // namespace logbus::shm
