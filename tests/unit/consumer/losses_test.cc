// SPDX-License-Identifier: MIT
// Losses are told once: whatever happens between a look and the end of its batch, and whoever is killed
// there.
#include <chrono>
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <logbus/file_handler.h>

#include "drain.h"
#include "journal.h"
#include "support/shm_bus.h"

namespace logbus::consumer {
namespace {

using namespace std::chrono_literals;
using shm::Attachment;
using shm::LaneOwner;

std::uint64_t losses_in(const std::string& line) {
  return line.find(" records dropped ") != std::string::npos ? std::stoull(line) : 0;
}

class LossesTest : public ::testing::Test {
 protected:
  static constexpr std::size_t kLanes = 8;

  void start() { queue_.emplace(options_, "", std::vector<std::string>{}); }
  /// A worker with a thread on each lane that logs once and drops twice, and one without a lane that drops.
  void work() {
    const auto worker = Attachment::attach(options_, "w");
    std::vector<LaneOwner> lanes(kLanes);
    for (LaneOwner& lane : lanes) {
      ASSERT_EQ(lane.claim(*worker, 1, ""), shm::Claim::kOk);
      ASSERT_EQ(testing::put(lane, testing::pattern(1, 48), 20), testing::Put::kWritten);
      lane.count_drop(20, detail::DropReason::kLaneFull);
      lane.count_drop(20, detail::DropReason::kLaneFull);
    }
    worker->slot().dropped_no_lane[1].fetch_add(7);
    for (LaneOwner& lane : lanes) lane.close();
  }
  /// All that is there now, as the listener would give it to `handler`.
  void give(Handler& handler, Journal& journal) {
    PackedRecord packed;
    LogRecord record;
    while (queue_->next(packed, 0ms)) {
      journal.begin_record();
      if (queue_->unpack(packed, record)) handler.handle(record);
    }
  }
  /// Of all lines: the sum of what they say is lost.
  std::uint64_t told() const {
    std::ifstream file(path_);
    std::uint64_t sum = 0;
    for (std::string line; std::getline(file, line);) sum += losses_in(line);
    return sum;
  }

  testing::TempDir files_;
  testing::TempDir directory_;
  const std::string path_ = files_.path() + "/log";
  shm::BusOptions options_ = testing::small_bus(directory_, kLanes);
  std::optional<BusQueue> queue_;
};

constexpr std::uint64_t kLost = 8 * 2 + 7;

struct NoHost : Journal::Host {
  bool settle_others() noexcept override { return true; }
  bool wait_for_room() noexcept override { return false; }
  bool gives_up() const noexcept override { return false; }
};

// Who drains several segments looks again and again at one whose records have to wait.
TEST_F(LossesTest, AreToldOnceHoweverOftenOneLooks) {
  start();
  work();
  PackedRecord packed;
  std::uint64_t sum = 0;
  const auto take = [&] {
    while (queue_->next_found(packed))
      if (packed.own != nullptr) sum += losses_in(packed.own->get_message());
  };
  queue_->look_at_all();
  take();
  queue_->task_done();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(queue_->idle());
  take();
  queue_->task_done();
  EXPECT_EQ(sum, kLost);
  EXPECT_TRUE(queue_->idle());
}

// More of them than a journal has room for: the rest with the next batch, or by the next sidecar.
TEST_F(LossesTest, OfManyProcessesAreToldInParts) {
  options_ = testing::small_bus(directory_, 256);
  NoHost host;
  const auto handler = std::make_shared<FileHandler>(path_);
  handler->defer_flush(true);
  std::uint64_t lost = 0;
  for (int round = 0; round < 4; ++round) {
    start();
    for (std::uint32_t i = 0; round == 0 && i < 200; ++i) {
      shm::ProcessSlot& slot = queue_->segment().slot(i);
      slot.word.store(detail::pack_slot(detail::SlotState::kLive, 1));
      slot.dropped_no_lane[2].store(i);
      lost += i;
    }
    Journal journal(host);
    journal.join({handler}, {});
    journal.use(*queue_);
    queue_->begin_stop();
    give(*handler, journal);
    EXPECT_LE(queue_->own_records().slot_reports().size(), shm::kJournalSlots);
    journal.leave();
    EXPECT_EQ(round > 0, told() == lost);
    queue_.reset();
  }
}

// Also if every lane has moved, and then the sidecar is killed before the positions have.
TEST_F(LossesTest, AreToldOnceIfTheSidecarIsKilledInTheMiddleOfABatch) {
  work();
  NoHost host;
  const auto handler = std::make_shared<FileHandler>(path_);
  handler->defer_flush(true);
  for (int round = 0; round < 2; ++round) {
    SCOPED_TRACE(round);
    start();
    Journal journal(host);
    journal.join({handler}, {});
    journal.use(*queue_);
    give(*handler, journal);
    queue_->begin_stop();
    give(*handler, journal);
    const shm::Segment& segment = queue_->segment();
    if (round == 0) {
      // As it is in the moment before the first position moves.
      std::vector<std::uint64_t> read(kLanes), reported(kLanes);
      for (std::uint32_t i = 0; i < kLanes; ++i) {
        read[i] = segment.consumer_line(i).read.load();
        reported[i] = segment.consumer_line(i).reported[1].load();
      }
      EXPECT_TRUE(journal.commit());
      for (std::uint32_t i = 0; i < kLanes; ++i) {
        segment.consumer_line(i).read.store(read[i]);
        segment.consumer_line(i).reported[1].store(reported[i]);
      }
      for (std::uint32_t i = 0; i < segment.slots(); ++i) segment.slot(i).told_no_lane.store(0);
      segment.journal().state.store(static_cast<std::uint32_t>(shm::JournalState::kSealed));
    }
    journal.leave();
    queue_.reset();
    EXPECT_EQ(told(), kLost);
  }
}

}  // namespace
}  // namespace logbus::consumer
