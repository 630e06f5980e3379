// SPDX-License-Identifier: MIT
// One lane, whatever comes in whatever order: signals, records, reads, sweeps.
#include <gtest/gtest.h>
#include <sys/time.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <random>
#include <string>

#include "lane_test.h"
#include "shm/caretaker.h"
#include "support/rounds.h"

namespace logbus::shm::lane_test {
namespace {

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
}  // namespace logbus::shm::lane_test
