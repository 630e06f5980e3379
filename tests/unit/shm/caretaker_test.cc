// SPDX-License-Identifier: MIT
// The lease, and what its holder gives back: slots, lanes, memory. Dead workers are processes that really
// died.
#include "shm/caretaker.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <string>

#include <logbus/error.h>
#include "shm/lane_directory.h"
#include "support/shm_bus.h"

namespace logbus::shm {
namespace {

using namespace detail;
using namespace std::chrono_literals;
using testing::LaneTap;
using testing::pattern;
using testing::Put;
using testing::put;
using testing::small_bus;
using testing::TempDir;

class CaretakerTest : public ::testing::Test {
 protected:
  const Segment& side() {
    if (!sidecar_) sidecar_ = std::make_unique<Segment>(Segment::open(options_, Segment::Role::kSidecar));
    return *sidecar_;
  }
  Caretaker& caretaker() {
    if (!caretaker_) caretaker_ = std::make_unique<Caretaker>(side(), options_, "/etc/x.yaml");
    return *caretaker_;
  }
  StepState step(std::uint32_t lane, std::uint32_t index) {
    return static_cast<StepState>(side().step_table(lane)[index].load());
  }
  void set_step(std::uint32_t lane, std::uint32_t index, StepState state) {
    side().step_table(lane)[index].store(static_cast<std::uint8_t>(state));
  }
  LaneWord lane_word(std::uint32_t lane) { return unpack_lane(side().producer_line(lane).word.load()); }
  SlotState slot_word(std::uint32_t slot) { return slot_state(side().slot(slot).word.load()); }

  /// A worker in a process of its own that does `work` and is killed.
  void killed_worker(const std::function<void(Attachment&, LaneOwner&)>& work) {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto worker = Attachment::attach(options_, "doomed");
      LaneOwner lane = {};
      if (lane.claim(*worker, 7, "doomed") != Claim::kOk) ::_exit(3);
      work(*worker, lane);
      ::raise(SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "status " << status;
  }
  /// Sweeps until `done`, at most 20 s.
  bool sweep_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (std::chrono::steady_clock::now() < deadline) {
      caretaker().sweep_all();
      if (done()) return true;
      ::usleep(1000);
    }
    return false;
  }
  std::uint64_t blocks() const {
    struct stat st = {};
    EXPECT_EQ(::stat(bus_path(options_).c_str(), &st), 0);
    return static_cast<std::uint64_t>(st.st_blocks) * 512;
  }

  TempDir directory_;
  BusOptions options_ = small_bus(directory_, 4, 256 << 10);
  std::unique_ptr<Segment> sidecar_;
  std::unique_ptr<Caretaker> caretaker_;
};

TEST_F(CaretakerTest, LeaseIsRefusedToASecondAndNamesTheHolder) {
  caretaker();
  const Segment second = Segment::open(options_, Segment::Role::kSidecar);
  try {
    const Caretaker other(second, options_, "");
    FAIL() << "two sidecars";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), EBUSY);
    EXPECT_NE(std::string(e.what()).find("pid " + std::to_string(::getpid())), std::string::npos) << e.what();
  }
  caretaker_.reset();
  EXPECT_EQ(side().consumer().holder_state.load(), 2U);
  const Caretaker next(second, options_, "");
  EXPECT_EQ(side().consumer().epoch.load(), 2U);
}

TEST_F(CaretakerTest, LeaseIsFreeOnceItsHolderIsKilled) {
  const pid_t child = ::fork();
  if (child == 0) {
    const Segment s = Segment::open(options_, Segment::Role::kSidecar);
    const Caretaker doomed(s, options_, "");
    ::raise(SIGKILL);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  caretaker();
  EXPECT_EQ(side().consumer().epoch.load(), 2U);
  EXPECT_EQ(side().consumer().holder_pid.load(), static_cast<std::uint32_t>(::getpid()));
  EXPECT_STREQ(side().consumer().config_path, "/etc/x.yaml");
}

TEST_F(CaretakerTest, AppliesRunTimeOptions) {
  side();
  options_.overflow = Policy::kBlock;
  options_.memory = 9 << 20;
  options_.max_hold = 7ms;
  caretaker();
  EXPECT_EQ(side().consumer().policy.load(), static_cast<std::uint32_t>(Policy::kBlock));
  EXPECT_EQ(side().consumer().memory_bytes.load(), 9U << 20);
  EXPECT_EQ(side().consumer().max_hold_ns.load(), 7'000'000U);
  EXPECT_EQ(side().shared().budget_left.load(), 9 << 20);
  EXPECT_NE(side().consumer().heartbeat_monotonic_ns.load(), 0U);
}

TEST_F(CaretakerTest, KnowsWhetherAnyWorkerIsAttached) {
  EXPECT_FALSE(caretaker().any_worker());
  auto worker = Attachment::attach(options_, "w");
  EXPECT_TRUE(caretaker().any_worker());
  worker.reset();
  EXPECT_FALSE(caretaker().any_worker());
}

TEST_F(CaretakerTest, KeepsADeadWorkersLaneUntilItIsRead) {
  killed_worker([](Attachment&, LaneOwner& lane) {
    if (put(lane, pattern(5, 48), 20) != Put::kWritten) ::_exit(1);
  });
  ASSERT_TRUE(sweep_until([this] { return caretaker().is_dead(0); }));
  EXPECT_EQ(lane_word(0).state, LaneState::kOpen);
  LaneTap tap(side(), 0);
  Frame frame;
  ASSERT_EQ(tap.next(frame), Parse::kFrame);
  std::uint64_t sequence = 0;
  EXPECT_TRUE(testing::check_pattern({frame.payload, frame.payload_size}, sequence));
  EXPECT_EQ(sequence, 5U);
  tap.commit();
  EXPECT_TRUE(sweep_until([this] { return lane_word(0).state == LaneState::kFree; }));
  EXPECT_NE(slot_word(0), SlotState::kFree) << "who died stays readable for a while";
  EXPECT_EQ(side().slot(0).records_closed.load(), 1U);
}

TEST_F(CaretakerTest, NeverTouchesALivingWorkersSlot) {
  const auto worker = Attachment::attach(options_, "w");
  LaneOwner lane = {};
  ASSERT_EQ(lane.claim(*worker, 1, ""), Claim::kOk);
  ASSERT_EQ(put(lane, pattern(1, 16), 20), Put::kWritten);
  for (int i = 0; i < 10; ++i) caretaker().sweep_all();
  EXPECT_FALSE(caretaker().is_dead(worker->slot_index()));
  EXPECT_EQ(lane_word(lane.lane).state, LaneState::kOpen);
  EXPECT_EQ(step(lane.lane, 0), StepState::kHeld);
  lane.close();
}

// The next process in a dead one's slot is not dead, though no lock has been looked at since.
TEST_F(CaretakerTest, TheNextTenantOfADeadWorkersSlotIsAlive) {
  options_.lanes = 1;
  killed_worker([](Attachment&, LaneOwner&) {});
  ASSERT_TRUE(sweep_until([this] { return caretaker().is_dead(0); }));
  const auto next = Attachment::attach(options_, "next");
  ASSERT_EQ(next->slot_index(), 0U);
  EXPECT_FALSE(caretaker().is_dead(0));
}

TEST_F(CaretakerTest, AnAttachmentWithUnreadRecordsLeavesItsSlotToTheSweep) {
  auto worker = Attachment::attach(options_, "w");
  LaneOwner lane = {};
  ASSERT_EQ(lane.claim(*worker, 1, ""), Claim::kOk);
  ASSERT_EQ(put(lane, pattern(1, 16), 20), Put::kWritten);
  lane.close();
  worker.reset();
  EXPECT_NE(slot_word(0), SlotState::kFree);
  EXPECT_EQ(lane_word(0).state, LaneState::kClosed);
  const auto next = Attachment::attach(options_, "next");
  EXPECT_NE(next->slot_index(), 0U);
}

TEST_F(CaretakerTest, AnAttachmentWithNothingLeftWipesItsSlot) {
  auto worker = Attachment::attach(options_, "w");
  EXPECT_STREQ(side().slot(0).process_name, "w");
  LaneOwner lane = {};
  ASSERT_EQ(lane.claim(*worker, 1, ""), Claim::kOk);
  lane.close();
  worker.reset();
  EXPECT_EQ(slot_word(0), SlotState::kFree);
  EXPECT_STREQ(side().slot(0).process_name, "");
  EXPECT_EQ(slot_generation(side().slot(0).word.load()), 1U);
}

TEST_F(CaretakerTest, AnAttachmentLeavesASlotWithUntoldLossesAlone) {
  auto worker = Attachment::attach(options_, "w");
  worker->slot().dropped_no_lane[1].fetch_add(7);
  worker.reset();
  const auto next = Attachment::attach(options_, "next");
  EXPECT_NE(next->slot_index(), 0U);
  EXPECT_STREQ(side().slot(0).process_name, "w");
  side().slot(0).told_no_lane.store(7);
  EXPECT_TRUE(clean_slot(side(), 0, true));
  EXPECT_EQ(slot_word(0), SlotState::kFree);
}

// The lease holder frees CLOSED lanes without their slot's lock: whoever cleans the slot at that moment may
// be looking at a lane that is another's by now.
TEST_F(CaretakerTest, CleaningASlotLeavesAClosedLanesStepsAlone) {
  auto worker = Attachment::attach(options_, "w");
  LaneOwner lane = {};
  ASSERT_EQ(lane.claim(*worker, 1, ""), Claim::kOk);
  ASSERT_EQ(put(lane, pattern(1, 16), 20), Put::kWritten);
  lane.close();
  worker.reset();
  set_step(0, 0, StepState::kHeld);
  side().producer_line(0).busy.store(kBusyStamping);
  (void)clean_slot(side(), 0, true);
  EXPECT_EQ(step(0, 0), StepState::kHeld);
  EXPECT_EQ(side().producer_line(0).busy.load(), kBusyStamping);
}

TEST_F(CaretakerTest, ReleasesTheStepsOfADeadWriter) {
  killed_worker([](Attachment& worker, LaneOwner& lane) {
    if (put(lane, pattern(5, 48), 20) != Put::kWritten) ::_exit(1);
    // Died while it was growing, and in the middle of a stamp.
    worker.segment().step_table(lane.lane)[2].store(static_cast<std::uint8_t>(StepState::kGrowing));
    lane.writer.line->busy.store(kBusyStamping);
  });
  EXPECT_EQ(step(0, 0), StepState::kHeld);
  ASSERT_TRUE(sweep_until([this] { return caretaker().is_dead(0); }));
  EXPECT_EQ(step(0, 0), StepState::kBacked);
  EXPECT_TRUE(sweep_until([this] { return step(0, 2) == StepState::kHole; }));
  EXPECT_EQ(side().producer_line(0).busy.load(), 0U);
}

// --- Memory

TEST_F(CaretakerTest, GivesBackAllMemoryOfAFreeLane) {
  auto worker = Attachment::attach(options_, "w");
  caretaker();
  LaneOwner lane = {};
  ASSERT_EQ(lane.claim(*worker, 1, ""), Claim::kOk);
  const std::uint64_t empty = blocks();
  for (std::uint64_t i = 0; i < 10; ++i) ASSERT_EQ(put(lane, pattern(i, 16 << 10), 30), Put::kWritten);
  EXPECT_GE(blocks(), empty + (160 << 10));
  LaneTap tap(side(), 0);
  Frame frame;
  while (tap.next(frame) == Parse::kFrame) continue;
  tap.commit();
  lane.close();
  ASSERT_TRUE(sweep_until(
      [this] { return lane_word(0).state == LaneState::kFree && step(0, 0) == StepState::kHole; }));
  EXPECT_EQ(lane_memory(side(), 0), 0U);
  EXPECT_EQ(blocks(), empty);
  caretaker().sweep_all();
  EXPECT_EQ(side().shared().budget_left.load(), static_cast<std::int64_t>(options_.memory));
  EXPECT_EQ(worker->slot().memory_bytes.load(), 0U);
}

TEST_F(CaretakerTest, GivesBackWhatAnIdleLaneHasReadButForItsFirstStepAndWhatItHolds) {
  auto worker = Attachment::attach(options_, "w");
  LaneOwner lane = {};
  ASSERT_EQ(lane.claim(*worker, 1, ""), Claim::kOk);
  for (std::uint64_t i = 0; i < 12; ++i) ASSERT_EQ(put(lane, pattern(i, 16 << 10), 30), Put::kWritten);
  LaneTap tap(side(), 0);
  Frame frame;
  while (tap.next(frame) == Parse::kFrame) continue;
  tap.commit();
  EXPECT_TRUE(
      sweep_until([this] { return step(0, 1) == StepState::kHole && step(0, 2) == StepState::kHole; }));
  EXPECT_NE(step(0, 0), StepState::kHole);
  EXPECT_EQ(step(0, 4), StepState::kHeld);
  // And goes on as if nothing had been.
  for (std::uint64_t i = 0; i < 10; ++i) ASSERT_EQ(put(lane, pattern(100 + i, 16 << 10), 30), Put::kWritten);
  std::uint64_t sequence = 0;
  for (std::uint64_t i = 0; i < 10; ++i) {
    ASSERT_EQ(tap.next(frame), Parse::kFrame);
    ASSERT_TRUE(testing::check_pattern({frame.payload, frame.payload_size}, sequence));
    ASSERT_EQ(sequence, 100 + i);
  }
  lane.close();
}

TEST_F(CaretakerTest, GivesBackNoStepWithUnreadBytesHoweverShortMemoryIs) {
  options_.memory = 200 << 10;
  auto worker = Attachment::attach(options_, "w");
  LaneOwner lane = {};
  ASSERT_EQ(lane.claim(*worker, 1, ""), Claim::kOk);
  for (std::uint64_t i = 0; i < 11; ++i) ASSERT_EQ(put(lane, pattern(i, 16 << 10), 30), Put::kWritten);
  EXPECT_TRUE(caretaker().memory_is_short());
  LaneTap tap(side(), 0);
  Frame frame;
  for (int i = 0; i < 5; ++i) ASSERT_EQ(tap.next(frame), Parse::kFrame);  // 80 KiB: steps 0 and 1 are read
  tap.commit();
  caretaker().sweep_all();
  EXPECT_EQ(step(0, 0), StepState::kBacked);
  EXPECT_EQ(step(0, 1), StepState::kHole);
  EXPECT_NE(step(0, 2), StepState::kHole) << "bytes from 80 KiB on are unread";
  std::uint64_t sequence = 0;
  for (std::uint64_t i = 5; i < 11; ++i) {
    ASSERT_EQ(tap.next(frame), Parse::kFrame);
    ASSERT_TRUE(testing::check_pattern({frame.payload, frame.payload_size}, sequence)) << "punched";
    ASSERT_EQ(sequence, i);
  }
  lane.close();
}

TEST_F(CaretakerTest, FinishesThePunchesOfItsPredecessor) {
  auto worker = Attachment::attach(options_, "w");
  LaneOwner lane = {};
  ASSERT_EQ(lane.claim(*worker, 1, ""), Claim::kOk);
  for (std::uint64_t i = 0; i < 11; ++i) ASSERT_EQ(put(lane, pattern(i, 16 << 10), 30), Put::kWritten);
  LaneTap tap(side(), 0);
  Frame frame;
  for (int i = 0; i < 5; ++i) ASSERT_EQ(tap.next(frame), Parse::kFrame);
  tap.commit();
  for (std::uint32_t i = 0; i < 3; ++i) set_step(0, i, StepState::kPunching);
  caretaker();
  EXPECT_EQ(step(0, 0), StepState::kHole);
  EXPECT_EQ(step(0, 1), StepState::kHole);
  EXPECT_EQ(step(0, 2), StepState::kBacked);
  lane.close();
}

TEST_F(CaretakerTest, RecountsTheBudgetFromTheSteps) {
  auto worker = Attachment::attach(options_, "w");
  LaneOwner lane = {};
  ASSERT_EQ(lane.claim(*worker, 1, ""), Claim::kOk);
  ASSERT_EQ(put(lane, pattern(1, 16), 20), Put::kWritten);
  side().shared().budget_left.store(-12345);
  caretaker().sweep_all();
  EXPECT_EQ(side().shared().budget_left.load(), static_cast<std::int64_t>(options_.memory) - (8 << 10));
  lane.close();
}

// A step punched between a claimer's CAS and its own count is taken from a process that never had it.
TEST_F(CaretakerTest, RecountsEachProcesssMemoryFromTheSteps) {
  auto worker = Attachment::attach(options_, "w");
  LaneOwner lane = {};
  ASSERT_EQ(lane.claim(*worker, 1, ""), Claim::kOk);
  worker->slot().memory_bytes.fetch_sub(8 << 10);
  ASSERT_EQ(put(lane, pattern(1, 16), 20), Put::kWritten) << "a count below zero is no reason to refuse";
  worker->slot().memory_bytes.store(std::uint64_t{1} << 40);
  caretaker().sweep_all();
  EXPECT_EQ(worker->slot().memory_bytes.load(), 8U << 10);
  lane.close();
}

}  // namespace
}  // namespace logbus::shm
