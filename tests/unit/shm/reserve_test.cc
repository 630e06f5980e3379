// SPDX-License-Identifier: MIT
// What is kept back for WARNING and above, and the account of what is dropped, whatever writer, reader, lease
// holder and other processes do in between.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <string>

#include "shm/caretaker.h"
#include "support/shm_bus.h"

namespace logbus::shm {
namespace {

using namespace detail;
using testing::pattern;
using testing::Put;
using testing::put;

constexpr int kLevels[kSeverities] = {10, 20, 30, 40, 50};

class Lane {
 public:
  explicit Lane(std::uint64_t seed) : rng_(seed) {
    options_.lane_size = std::uint64_t{64 << 10} << below(4);
    if (below(2) == 0) options_.memory = (8 << 10) + below(256 << 10);
    side_ = std::make_unique<Segment>(Segment::open(options_, Segment::Role::kSidecar));
    caretaker_ = std::make_unique<Caretaker>(*side_, options_, "");
    worker_ = Attachment::attach(options_, "worker");
    EXPECT_EQ(lane_.claim(*worker_, 1, ""), Claim::kOk);
    tap_ = std::make_unique<testing::LaneTap>(*side_, lane_.lane);
  }
  ~Lane() {
    if (lane_.has_lane()) lane_.close();
  }

  void step() {
    switch (below(8)) {
      case 0:
        return read(below(64));
      case 1:
        if (below(8) == 0) read(1 << 20);
        return;
      case 2:
        if (sweeps_ && below(16) == 0) caretaker_->sweep_all();
        return;
      case 3: {  // other processes take memory, or give it back
        auto& left = side_->shared().budget_left;
        if (below(4) == 0) left.store(static_cast<std::int64_t>(below(3) * (32 << 10)));
        return;
      }
      default:
        return write();
    }
  }

  void end() {
    read(~std::uint64_t{0});
    EXPECT_TRUE(written_.empty());
    for (std::size_t s = 0; s < kSeverities; ++s) EXPECT_EQ(line().dropped[s].load(), dropped_[s]);
  }
  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t refused() const { return refused_; }
  std::uint64_t filled() const { return filled_; }

 private:
  struct Written {
    std::uint64_t number;
    std::uint64_t dropped;  // before it
  };

  std::uint64_t below(std::uint64_t n) { return rng_() % n; }
  const ProducerLine& line() const { return side_->producer_line(lane_.lane); }
  bool gap_is_open() const { return line().gap_first_ticks.load() != 0; }

  /// A frame of `size` bytes.
  bool try_write(std::uint64_t size, std::size_t severity) {
    const bool good =
        put(lane_, pattern(accepted_, size - sizeof(FrameHeader)), kLevels[severity]) == Put::kWritten;
    if (good)
      written_.push_back({accepted_++, refused_});
    else
      ++dropped_[severity], ++refused_;
    return good;
  }

  /// Memory that is there for the next records without asking anybody.
  std::uint64_t granted() const {
    const std::uint64_t read = side_->consumer_line(lane_.lane).read.load();
    const std::uint64_t room = read >= lane_.writer.newest ? side_->lane_size() : read - lane_.older;
    std::uint32_t step = lane_.steps.end - 1;
    const StepWord* table = side_->step_table(lane_.lane);
    while (step + 1 < side_->steps() &&
           table[step + 1].load() == static_cast<std::uint8_t>(StepState::kBacked))
      ++step;
    return std::min(room, step_end(step));
  }

  void write() {
    const std::uint64_t size = 8 * (4 + below(below(4) == 0 ? 1000 : 60));
    const std::size_t severity = below(4) == 0 ? kReserveSeverity + below(3) : below(kReserveSeverity);
    const bool good = try_write(size, severity);
    if (severity >= kReserveSeverity) {
      if (!good) {
        EXPECT_FALSE(try_write(size, below(kReserveSeverity))) << "less important, and it had room";
      }
    } else if (good) {
      const std::uint64_t all = granted();
      const std::uint64_t offset = lane_.writer.position - lane_.writer.newest;
      ASSERT_LE(offset, all);
      const std::uint64_t reserve = all - offset;
      // Memory ahead that has been taken back is missed at the next look, which is before fifteen sixteenths.
      EXPECT_GE(reserve, !sweeps_ ? all / 8 : offset - size < 15 * (all / 16) ? all / 16 : 0);
      if (below(4) != 0 || gap_is_open() || reserve < 32 || reserve > lane_.max_frame()) return;
      const std::int64_t left = side_->shared().budget_left.exchange(0);  // others have taken the rest
      // Where all is read it begins a lap, of which the first step alone is sure to be there.
      const std::uint64_t room = sweeps_ ? std::min(reserve, kFirstStepBytes) : reserve;
      EXPECT_TRUE(try_write(room / 8 * 8, kReserveSeverity + below(3))) << "it is kept back for this";
      side_->shared().budget_left.fetch_add(left);
      ++filled_;
    }
  }

  /// At most so many frames. Each gap says exactly what was dropped before the record behind it.
  void read(std::uint64_t frames) {
    Frame frame;
    while (frames-- != 0 && tap_->next(frame) == Parse::kFrame) {
      if (frame.kind() == FrameKind::kGap) {
        GapFrame gap;
        std::memcpy(&gap, frame.payload - sizeof(FrameHeader), sizeof gap);
        told_ = 0;
        for (const std::uint64_t n : gap.dropped) told_ += n;
        ++frames;  // the record behind it belongs to it
        continue;
      }
      std::uint64_t number = 0;
      ASSERT_TRUE(testing::check_pattern({frame.payload, frame.payload_size}, number));
      ASSERT_FALSE(written_.empty());
      EXPECT_EQ(number, written_.front().number);
      EXPECT_EQ(told_, written_.front().dropped) << "at record " << number;
      written_.pop_front();
    }
    tap_->commit();
  }

  std::mt19937_64 rng_;
  const bool sweeps_ = below(2) == 0;
  testing::TempDir directory_;
  BusOptions options_ = testing::small_bus(directory_);
  std::unique_ptr<Segment> side_;
  std::unique_ptr<Caretaker> caretaker_;
  std::unique_ptr<Attachment> worker_;
  LaneOwner lane_ = {};
  std::unique_ptr<testing::LaneTap> tap_;
  std::deque<Written> written_;  // and not read
  std::uint64_t dropped_[kSeverities] = {};
  std::uint64_t accepted_ = 0, refused_ = 0, filled_ = 0, told_ = 0;
};

TEST(ReserveTest, HoldsAndDropsAreExactWhateverHappens) {
  std::uint64_t accepted = 0, refused = 0, filled = 0;
  for (std::uint64_t seed = 1; seed <= 60 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Lane lane(seed);
    for (int i = 0; i < 3000 && !::testing::Test::HasFailure(); ++i) lane.step();
    lane.end();
    accepted += lane.accepted();
    refused += lane.refused();
    filled += lane.filled();
  }
  EXPECT_GT(accepted, 10'000U);
  EXPECT_GT(refused, 1000U);
  EXPECT_GT(filled, 1000U);
}

}  // namespace
}  // namespace logbus::shm
