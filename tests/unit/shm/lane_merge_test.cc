// SPDX-License-Identifier: MIT
// The merge: order, the watermark, late records, clocks that lie, lanes that make no sense.
#include "merge.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "shm/lane_directory.h"
#include "support/shm_bus.h"

namespace logbus::consumer {
namespace {

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

constexpr int kInfo = 20;

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

// --- Lanes that make no sense

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
}  // namespace logbus::consumer
