// SPDX-License-Identifier: MIT
// Where the tables lie, packed words, steps; which preambles are refused, and with what words.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <logbus/detail/layout.h>
#include <logbus/error.h>
#include "shm/segment.h"

namespace logbus::shm {
namespace {

using namespace detail;

constexpr char kBoot[] = "01234567-0123-0123-0123-0123456789ab";

Preamble good_preamble() {
  Preamble p = compute_layout(8, 64 << 10, 64);
  std::memcpy(p.boot_id, kBoot, sizeof kBoot);
  p.clock_source = ClockSource::kMonotonicNs;
  p.ticks_per_second_guess = 1'000'000'000;
  return p;
}

/// The errno with which the preamble is refused, 0 if it is not; the sentence in `text`.
int refusal(const Preamble& p, std::uint64_t file_size, std::string* text = nullptr) {
  try {
    check_preamble(p, file_size, "/dev/shm/x.logbus");
    return 0;
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("/dev/shm/x.logbus"), std::string::npos) << e.what();
    if (text != nullptr) *text = e.what();
    return e.code();
  }
}

TEST(LayoutTest, PlacesTablesInOrderAlignedAndApart) {
  for (const std::uint32_t lanes : {1U, 3U, 8U, 1024U, 16384U}) {
    for (const std::uint64_t lane_size : {std::uint64_t{64} << 10, std::uint64_t{4} << 20}) {
      const Preamble p = compute_layout(lanes, lane_size, 65536);
      const Region regions[] = {p.consumer_control,
                                p.consumer_lines,
                                p.journal,
                                p.journal_payload,
                                p.shared_control,
                                p.slots_region,
                                p.producer_lines,
                                p.step_table,
                                p.site_table,
                                p.site_arena,
                                p.data};
      std::uint64_t end = sizeof(Preamble);
      for (const Region& region : regions) {
        EXPECT_EQ(region.offset % kRegionAlign, 0U);
        EXPECT_GE(region.offset, end);
        EXPECT_GT(region.size, 0U);
        end = region.offset + region.size;
      }
      EXPECT_GE(p.file_size, end);
      EXPECT_EQ(p.data.size, lanes * lane_size);
      EXPECT_GE(p.step_table.stride, p.steps_per_lane);
      EXPECT_GE(p.shared_control.size, kBlockedBitmapOffset + (lanes + 63) / 64 * 8);
    }
  }
}

TEST(LayoutTest, RefusesSizesThatAreNoBuses) {
  const auto refused = [](std::uint32_t lanes, std::uint64_t lane_size, std::uint32_t sites) {
    try {
      (void)compute_layout(lanes, lane_size, sites);
      return false;
    } catch (const Error& e) {
      return e.code() == EINVAL;
    }
  };
  EXPECT_TRUE(refused(0, 1 << 20, 1024));
  EXPECT_TRUE(refused(16385, 1 << 20, 1024));
  EXPECT_TRUE(refused(8, 32 << 10, 1024));
  EXPECT_TRUE(refused(8, 96 << 10, 1024));
  EXPECT_TRUE(refused(8, std::uint64_t{2} << 30, 1024));
  EXPECT_TRUE(refused(8, 0, 1024));
  EXPECT_TRUE(refused(8, 1 << 20, 0));
  EXPECT_TRUE(refused(8, 1 << 20, 32));
  EXPECT_TRUE(refused(8, 1 << 20, 100));
  EXPECT_TRUE(refused(8, 1 << 20, 1U << 24));
  EXPECT_FALSE(refused(1, 64 << 10, 64));
  EXPECT_FALSE(refused(16384, 1 << 30, 1U << 23));
}

TEST(LayoutTest, StepsCoverALaneWithoutGaps) {
  for (const std::uint64_t lane_size :
       {std::uint64_t{64} << 10, std::uint64_t{128} << 10, std::uint64_t{4} << 20}) {
    std::uint64_t end = 0;
    for (std::uint32_t step = 0; step < steps_for(lane_size); ++step) {
      EXPECT_EQ(step_begin(step), end);
      EXPECT_GT(step_end(step), step_begin(step));
      EXPECT_EQ(step_of(step_begin(step)), step);
      EXPECT_EQ(step_of(step_end(step) - 1), step);
      end = step_end(step);
    }
    EXPECT_EQ(end, lane_size);
  }
}

// FORMAT.md's table and its example.
TEST(LayoutTest, AHandlersEntryIsWhereTheFormatSays) {
  EXPECT_EQ(offsetof(ConsumerControl, handlers), 512U);
  HandlerEntry entry{};
  entry.records = 212;
  entry.errors = 3;
  entry.dropped[1] = 40;
  entry.queue_length = 17;
  entry.queue_capacity = 1000;
  entry.queue_memory = 0x1111;
  entry.error_version = 0x2222;
  entry.error_time_ns = 0x3333;
  entry.error_size = 0x4444;
  entry.error_text[14] = 0x5555;
  std::uint64_t words[sizeof entry / 8];
  std::memcpy(words, static_cast<const void*>(&entry), sizeof entry);
  const std::vector<std::uint64_t> golden = {0xd4, 0, 3, 0, 0, 0x28, 0, 0, 0, 0, 0, 0, 0x11, 0x3e8};
  EXPECT_EQ(std::vector<std::uint64_t>(words + 128 / 8, words + 240 / 8), golden);
  EXPECT_EQ(words[248 / 8], 0x1111U);
  EXPECT_EQ(words[256 / 8], 0x2222U);
  EXPECT_EQ(words[264 / 8], 0x3333U);
  EXPECT_EQ(words[272 / 8], 0x4444U);
  EXPECT_EQ(words[392 / 8], 0x5555U);
}

TEST(LayoutTest, WordsGiveBackWhatWasPacked) {
  for (const LaneState state : {LaneState::kFree, LaneState::kOpen, LaneState::kClosed}) {
    for (const std::uint32_t slot : {0U, 1U, 16383U}) {
      for (const std::uint64_t tenancy : {std::uint64_t{0}, std::uint64_t{1}, kTenancyMask}) {
        const LaneWord word = unpack_lane(pack({state, slot, tenancy}));
        EXPECT_EQ(word.state, state);
        EXPECT_EQ(word.slot, slot);
        EXPECT_EQ(word.tenancy, tenancy);
      }
    }
  }
  EXPECT_EQ(unpack_lane(pack({LaneState::kOpen, 5, kTenancyMask + 1})).tenancy, 0U)
      << "wraps into its own bits";
  EXPECT_EQ(slot_state(pack_slot(SlotState::kLive, 7)), SlotState::kLive);
  EXPECT_EQ(slot_generation(pack_slot(SlotState::kLive, 7)), 7U);
  const std::uint32_t tag = frame_tag(FrameKind::kNames, 0xFFFFFF) | kTagTruncated;
  EXPECT_EQ(frame_kind(tag), FrameKind::kNames);
  EXPECT_EQ(frame_id(tag), 0xFFFFFFU);
}

TEST(LayoutTest, CountsSeveritiesByPythonsLevels) {
  EXPECT_EQ(severity_of(0), 0U);
  EXPECT_EQ(severity_of(19), 0U);
  EXPECT_EQ(severity_of(20), 1U);
  EXPECT_EQ(severity_of(30), kReserveSeverity);
  EXPECT_EQ(severity_of(40), 3U);
  EXPECT_EQ(severity_of(50), 4U);
  EXPECT_EQ(severity_of(1000), 4U);
  EXPECT_EQ(severity_of(-5), 0U);
}

TEST(PreambleTest, AcceptsItsOwn) {
  const Preamble p = good_preamble();
  EXPECT_EQ(refusal(p, p.file_size), 0);
  EXPECT_EQ(refusal(p, p.file_size + 4096), 0);
}

TEST(PreambleTest, NamesAFileThatIsNoSegment) {
  Preamble p = good_preamble();
  p.magic[0] = 'L';
  EXPECT_EQ(refusal(p, p.file_size), EBADMSG);
  EXPECT_EQ(refusal(Preamble{}, 1 << 20), EBADMSG);
}

TEST(PreambleTest, NamesAnotherLayoutVersion) {
  Preamble p = good_preamble();
  p.magic[7] = kLayoutVersion + 1;
  std::string text;
  EXPECT_EQ(refusal(p, p.file_size, &text), EPROTO);
  EXPECT_NE(text.find("version " + std::to_string(kLayoutVersion + 1)), std::string::npos) << text;
}

TEST(PreambleTest, RefusesUnknownFeatures) {
  Preamble p = good_preamble();
  p.features = std::uint64_t{1} << 63;
  EXPECT_EQ(refusal(p, p.file_size), EPROTO);
}

TEST(PreambleTest, RefusesATruncatedFile) {
  const Preamble p = good_preamble();
  std::string text;
  EXPECT_EQ(refusal(p, p.file_size - 1, &text), EBADMSG);
  EXPECT_NE(text.find("truncated"), std::string::npos) << text;
  EXPECT_EQ(refusal(p, sizeof p), EBADMSG);
}

TEST(PreambleTest, RefusesAnUnterminatedBootIdAndAnUnknownClock) {
  Preamble p = good_preamble();
  std::memset(p.boot_id, 'x', sizeof p.boot_id);
  EXPECT_EQ(refusal(p, p.file_size), EBADMSG);
  p = good_preamble();
  p.clock_source = static_cast<ClockSource>(3);
  EXPECT_EQ(refusal(p, p.file_size), EBADMSG);
}

// Bytes that say nothing about the layout may be anything; a flip anywhere else is noticed.
TEST(PreambleTest, NoticesADamagedByteWhereverItMatters) {
  const Preamble good = good_preamble();
  const auto is_free = [](std::size_t at) {
    return (at >= offsetof(Preamble, bus_uuid) && at < offsetof(Preamble, lanes)) ||
           (at >= offsetof(Preamble, unused0) && at < offsetof(Preamble, consumer_control));
  };
  for (std::size_t at = 0; at < sizeof good; ++at) {
    for (const unsigned flip : {0x01U, 0x80U, 0xFFU}) {
      Preamble p = good;
      reinterpret_cast<unsigned char*>(&p)[at] ^= static_cast<unsigned char>(flip);
      // 1 and 2 are both clocks.
      if (at == offsetof(Preamble, clock_source) && p.clock_source == ClockSource::kTsc) continue;
      const bool ends_boot_id = at == offsetof(Preamble, boot_id) + sizeof p.boot_id - 1;
      EXPECT_EQ(refusal(p, 1ULL << 60) == 0, is_free(at) && !ends_boot_id) << "byte " << at;
    }
  }
}

// The tables of FORMAT.md.
TEST(LayoutTest, LiesWhereTheFormatSaysItLies) {
  EXPECT_EQ(offsetof(Preamble, features), 8U);
  EXPECT_EQ(offsetof(Preamble, file_size), 16U);
  EXPECT_EQ(offsetof(Preamble, bus_uuid), 24U);
  EXPECT_EQ(offsetof(Preamble, boot_id), 40U);
  EXPECT_EQ(offsetof(Preamble, lanes), 80U);
  EXPECT_EQ(offsetof(Preamble, lane_size), 96U);
  EXPECT_EQ(offsetof(Preamble, clock_source), 104U);
  EXPECT_EQ(offsetof(Preamble, created_ticks), 112U);
  EXPECT_EQ(offsetof(Preamble, ticks_per_second_guess), 136U);
  EXPECT_EQ(offsetof(Preamble, consumer_control), 144U);
  EXPECT_EQ(sizeof(ConsumerControl), 29'184U);
  EXPECT_EQ(offsetof(ProducerLine, committed), 0U);
  EXPECT_EQ(offsetof(ProducerLine, origin), 8U);
  EXPECT_EQ(offsetof(ProducerLine, records), 24U);
  EXPECT_EQ(offsetof(ProducerLine, busy), 32U);
  EXPECT_EQ(offsetof(ProducerLine, floor), 40U);
  EXPECT_EQ(offsetof(ProducerLine, word), 64U);
  EXPECT_EQ(offsetof(ProducerLine, dropped), 72U);
  EXPECT_EQ(offsetof(ProducerLine, gap_first_ticks), 128U);
  EXPECT_EQ(offsetof(ProducerLine, records_before), 144U);
  EXPECT_EQ(offsetof(ProducerLine, dropped_before), 152U);
  EXPECT_EQ(offsetof(ProducerLine, dropped_reason), 192U);
  EXPECT_EQ(offsetof(ProducerLine, thread), 232U);
  EXPECT_EQ(offsetof(ProducerLine, thread_name), 256U);
  EXPECT_EQ(offsetof(ConsumerLine, reported), 8U);
  EXPECT_EQ(offsetof(ConsumerLine, quarantined), 48U);
}

}  // namespace
}  // namespace logbus::shm
