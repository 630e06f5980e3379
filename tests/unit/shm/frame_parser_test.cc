// SPDX-License-Identifier: MIT
// Frames out of bytes that nobody vouches for.
#include "shm/frame_parser.h"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <vector>

namespace logbus::shm {
namespace {

using namespace detail;

constexpr std::uint64_t kSize = 4096;

class FrameParserTest : public ::testing::Test {
 protected:
  FrameParserTest() : bytes_(new std::byte[kSize]()) {
    view_.data = bytes_.get();
    view_.size = kSize;
  }
  void put(std::uint64_t offset, std::uint32_t size, FrameKind kind = FrameKind::kRecord,
           std::uint64_t ticks = 7) {
    const FrameHeader header{size, frame_tag(kind, 3), ticks};
    std::memcpy(bytes_.get() + offset, &header, sizeof header);
  }
  Parse parse(std::uint64_t position) { return parse_frame(view_, position, frame_); }

  std::unique_ptr<std::byte[]> bytes_;  // exactly kSize: the address sanitizer sees a step beyond
  LaneView view_;
  Frame frame_;
};

TEST_F(FrameParserTest, FindsNothingInAnEmptyLane) {
  EXPECT_EQ(parse(0), Parse::kEnd);
}

TEST_F(FrameParserTest, GivesEachFrameOfALap) {
  put(0, 16, FrameKind::kRecord, 100);
  put(16, 40, FrameKind::kInline, 101);
  view_.committed = 56;
  ASSERT_EQ(parse(0), Parse::kFrame);
  EXPECT_EQ(frame_.size, 16U);
  EXPECT_EQ(frame_.payload_size, 0U);
  EXPECT_EQ(frame_.ticks, 100U);
  EXPECT_EQ(frame_.position, 0U);
  ASSERT_EQ(parse(16), Parse::kFrame);
  EXPECT_EQ(frame_.kind(), FrameKind::kInline);
  EXPECT_EQ(frame_.payload_size, 24U);
  EXPECT_EQ(frame_.payload, bytes_.get() + 32);
  EXPECT_EQ(parse(56), Parse::kEnd);
}

TEST_F(FrameParserTest, FollowsALapToOffsetZero) {
  // Lap from 1000 to 1048 at offsets 0..48, then the next lap at offset 0 again; the reader is still in the
  // first.
  put(24, 24, FrameKind::kRecord, 5);
  put(0, 24, FrameKind::kRecord, 6);
  view_.origin = {1048, 1000};
  view_.committed = 1072;
  ASSERT_EQ(parse(1024), Parse::kFrame);
  EXPECT_EQ(frame_.ticks, 5U);
  EXPECT_EQ(frame_.payload, bytes_.get() + 40);
  ASSERT_EQ(parse(1048), Parse::kFrame);
  EXPECT_EQ(frame_.ticks, 6U);
  EXPECT_EQ(frame_.payload, bytes_.get() + 16);
  EXPECT_EQ(parse(1072), Parse::kEnd);
}

TEST_F(FrameParserTest, RefusesAFrameAcrossTheEndOfItsLap) {
  put(24, 32);
  view_.origin = {1048, 1000};
  view_.committed = 1072;
  EXPECT_EQ(parse(1024), Parse::kCorrupt);
}

TEST_F(FrameParserTest, RefusesPositionsOutsideTheLane) {
  put(0, 16);
  view_.committed = 16;
  EXPECT_EQ(parse(17), Parse::kCorrupt) << "beyond what is committed";
  view_.origin = {8, 16};
  EXPECT_EQ(parse(0), Parse::kCorrupt) << "before both laps";
  view_.origin = {0, 0};
  view_.committed = 2 * kSize + 1;
  EXPECT_EQ(parse(0), Parse::kCorrupt) << "more than two lanes behind";
  view_.committed = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(parse(0), Parse::kCorrupt);
  view_.committed = kSize + 64;
  EXPECT_EQ(parse(kSize), Parse::kCorrupt) << "a lap longer than the lane";
  EXPECT_EQ(parse(kSize - 8), Parse::kCorrupt) << "no room for a header";
}

TEST_F(FrameParserTest, TakesAFrameThatEndsWithTheLane) {
  put(kSize - 32, 32);
  view_.committed = kSize;
  ASSERT_EQ(parse(kSize - 32), Parse::kFrame);
  put(kSize - 32, 40);
  view_.committed = kSize + 8;
  EXPECT_EQ(parse(kSize - 32), Parse::kCorrupt) << "eight bytes beyond the lane";
}

TEST_F(FrameParserTest, RefusesLengthsThatMakeNoSense) {
  view_.committed = 64;
  for (const std::uint32_t size :
       {0U, 8U, 15U, 17U, 20U, 63U, 65U, 72U, 0x80000000U, 0xFFFFFFF8U, 0xFFFFFFFFU}) {
    put(0, size);
    EXPECT_EQ(parse(0), Parse::kCorrupt) << size;
  }
  put(0, 64);
  EXPECT_EQ(parse(0), Parse::kFrame);
}

TEST_F(FrameParserTest, RefusesAFrameLargerThanAnyRecord) {
  // It fits the lane, but no reader has room for it.
  bytes_.reset(new std::byte[2 * kMaxRecordBytes]());
  view_.data = bytes_.get();
  view_.size = view_.committed = 2 * kMaxRecordBytes;
  put(0, kMaxRecordBytes);
  EXPECT_EQ(parse(0), Parse::kFrame);
  put(0, kMaxRecordBytes + 8);
  EXPECT_EQ(parse(0), Parse::kCorrupt);
}

TEST_F(FrameParserTest, GivesAGapTheStampOfTheRecordBehindIt) {
  put(0, sizeof(GapFrame), FrameKind::kGap, 0);
  put(sizeof(GapFrame), 24, FrameKind::kRecord, 99);
  view_.committed = sizeof(GapFrame) + 24;
  ASSERT_EQ(parse(0), Parse::kFrame);
  EXPECT_EQ(frame_.ticks, 99U);
}

TEST_F(FrameParserTest, RefusesAGapOfAnotherSizeOrWithNothingBehindIt) {
  put(0, sizeof(GapFrame), FrameKind::kGap, 0);
  view_.committed = sizeof(GapFrame);
  EXPECT_EQ(parse(0), Parse::kCorrupt);
  put(0, sizeof(GapFrame) + 8, FrameKind::kGap, 0);
  put(sizeof(GapFrame) + 8, 24);
  view_.committed = sizeof(GapFrame) + 32;
  EXPECT_EQ(parse(0), Parse::kCorrupt);
}

// Whatever the words and bytes are: no read outside the lane, and a frame given lies inside it.
TEST_F(FrameParserTest, StaysInsideTheLaneWhateverItReads) {
  std::mt19937_64 random(20260101);
  const auto near = [&random](std::uint64_t about) { return about + random() % 64 - 32; };
  for (int round = 0; round < 200'000; ++round) {
    const std::uint64_t base = random() % 3 == 0 ? random() : random() % (4 * kSize);
    view_.origin = {near(base), random() % 4 == 0 ? random() : near(base + random() % kSize)};
    view_.committed = random() % 8 == 0 ? random() : near(base + random() % (2 * kSize));
    const std::uint64_t position = random() % 8 == 0 ? random() : near(base + random() % (2 * kSize));
    for (int i = 0; i < 4; ++i) {
      const FrameHeader header{static_cast<std::uint32_t>(random() % 3 == 0 ? random() : random() % 128 * 8),
                               static_cast<std::uint32_t>(random()), random()};
      std::memcpy(bytes_.get() + random() % ((kSize - sizeof header) / 8) * 8, &header, sizeof header);
    }
    if (parse(position) != Parse::kFrame) continue;
    ASSERT_GE(frame_.payload, bytes_.get() + sizeof(FrameHeader));
    ASSERT_LE(frame_.payload + frame_.payload_size, bytes_.get() + kSize);
    ASSERT_LE(frame_.size, view_.committed - position);
  }
}

}  // namespace
}  // namespace logbus::shm
