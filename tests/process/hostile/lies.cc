// SPDX-License-Identifier: MIT
// Each lie that somebody thought of.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>

#include "liar.h"
#include "shm/site_table.h"

namespace logbus::byzantine {
namespace {

// --- what a liar may do to its own words

void lie_committed(Liar& liar) {
  for (int i = 0; i < 40; ++i) {
    liar.line().committed.store(liar.odd_number(), kRelease);
    ++counts->lies;
    liar.pause(100);
  }
}

void lie_committed_back(Liar& liar) {
  for (int i = 0; i < 20; ++i) liar.good_frame(frame_tag(FrameKind::kInline), liar.now(), "\x81\xa3msg\xa1x");
  liar.pause(2000);
  liar.line().committed.store(liar.origin(), kRelease);
  ++counts->lies;
  liar.pause(2000);
}

void lie_committed_ahead(Liar& liar) {
  const std::uint64_t steps[] = {
      8, 16, 24, 4096, 1 << 16, liar.segment().lane_size(), liar.segment().lane_size() * 2};
  liar.line().committed.fetch_add(steps[liar.below(std::size(steps))], kRelease);
  ++counts->lies;
  liar.pause(3000);
}

void lie_origins(Liar& liar) {
  for (int i = 0; i < 40; ++i) {
    liar.line().origin[liar.below(2)].store(liar.odd_number(), kRelaxed);
    liar.line().committed.fetch_add(liar.coin() ? 24 : 0, kRelease);
    ++counts->lies;
    liar.pause(100);
  }
}

void lie_sizes(Liar& liar) {
  const std::uint32_t sizes[] = {0,  1,          8,          15,         16,       17,
                                 24, 0xFFFFFFFF, 0xFFFFFFF8, 0x80000000, 2U << 20, (2U << 20) + 8};
  for (int i = 0; i < 3; ++i) liar.good_frame(frame_tag(FrameKind::kInline), liar.now(), "\x81\xa3msg\xa1x");
  liar.frame(sizes[liar.below(std::size(sizes))], frame_tag(FrameKind::kInline), liar.now(), "\x80");
  liar.pause(2000);
}

void lie_tags(Liar& liar) {
  for (int i = 0; i < 60; ++i) {
    std::string payload(8 * liar.below(8), '\0');
    for (char& c : payload) c = static_cast<char>(liar.any());
    liar.good_frame(static_cast<std::uint32_t>(liar.any()), liar.now(), payload);
  }
  liar.pause(2000);
}

void lie_gaps(Liar& liar) {
  for (int i = 0; i < 10; ++i) {
    std::uint64_t words[kSeverities + 2];
    for (std::uint64_t& word : words) word = liar.odd_number();
    liar.good_frame(frame_tag(FrameKind::kGap), liar.odd_number(),
                    {reinterpret_cast<char*>(words), sizeof words});
    liar.good_frame(frame_tag(FrameKind::kInline), liar.now(), "\x81\xa3msg\xa1g");
    liar.pause(300);
  }
}

void lie_times(Liar& liar) {
  for (int i = 0; i < 30; ++i) {
    liar.good_frame(frame_tag(FrameKind::kInline), liar.odd_number(), "\x81\xa3msg\xa1t");
    if (i % 8 == 0) liar.pause(500);
  }
}

/// {threadName: <escape>, processName: <not UTF-8>}, or no map at all.
std::string_view odd_names(Liar& liar) {
  return liar.coin() ? "\x82\xaathreadName\xa2\x1b]\xabprocessName\xa2\xff\x07" : "\xdf\xff\xff\xff\xff";
}

void lie_names(Liar& liar) {
  ProducerLine& line = liar.line();
  std::memset(line.thread_name, '\x1b', sizeof line.thread_name);
  std::memset(liar.slot().process_name, '\x9b', sizeof liar.slot().process_name);
  std::memset(liar.slot().executable, 'A', sizeof liar.slot().executable);
  for (int i = 0; i < 10; ++i) {
    line.name_index.store(static_cast<std::uint32_t>(liar.any()), kRelaxed);
    line.thread.store(static_cast<std::uint32_t>(liar.any()), kRelaxed);
    liar.good_frame(frame_tag(FrameKind::kNames), liar.now(), odd_names(liar));
    liar.good_frame(frame_tag(FrameKind::kInline), liar.now(), "\x81\xa3msg\xa1n");
  }
  liar.pause(2000);
}

void lie_drops(Liar& liar) {
  for (int i = 0; i < 30; ++i) {
    liar.line().dropped[liar.below(kSeverities)].store(liar.odd_number(), kRelaxed);
    liar.line().dropped_before[liar.below(kSeverities)].store(liar.odd_number(), kRelaxed);
    liar.line().gap_first_ticks.store(liar.odd_number(), kRelaxed);
    liar.line().gap_last_ticks.store(liar.odd_number(), kRelaxed);
    liar.slot().dropped_no_lane[liar.below(kSeverities)].store(liar.odd_number(), kRelaxed);
    liar.slot().told_no_lane.store(liar.odd_number(), kRelaxed);
    liar.line().records.store(liar.odd_number(), kRelaxed);
    liar.line().records_before.store(liar.odd_number(), kRelaxed);
    counts->lies += 8;
    liar.pause(1000);
  }
}

/// Not generation by generation: a dead process's slot must come back whatever it says of itself.
void lie_slot(Liar& liar) {
  shm::ProcessSlot& slot = liar.slot();
  slot.flags.store(static_cast<std::uint32_t>(liar.any()) | kSlotWeak, kRelaxed);
  slot.pid.store(liar.coin() ? 1 : static_cast<std::uint32_t>(liar.odd_number()), kRelaxed);
  slot.start_time.store(liar.odd_number(), kRelaxed);
  slot.attach_ticks.store(liar.odd_number(), kRelaxed);
  slot.attach_realtime_ns.store(liar.odd_number(), kRelaxed);
  slot.memory_bytes.store(liar.odd_number(), kRelaxed);
  slot.word.store(liar.coin() ? liar.any() : 0, kRelaxed);
  counts->lies += 7;
  liar.pause(1000);
}

void lie_steps(Liar& liar) {
  for (int i = 0; i < 40; ++i) {
    liar.steps()[liar.below(liar.segment().steps())].store(
        static_cast<std::uint8_t>(liar.coin() ? liar.below(6) : liar.any()), kRelaxed);
    ++counts->lies;
    if (i % 8 == 0) liar.pause(500);
  }
}

void lie_busy(Liar& liar) {
  for (int i = 0; i < 40; ++i) {
    liar.line().busy.store(static_cast<std::uint32_t>(liar.any()), kRelaxed);
    ++counts->lies;
    liar.pause(100);
  }
}

/// Memory that no step speaks of.
void lie_memory(Liar& liar) {
  for (std::uint64_t at = 0; at < liar.segment().lane_size(); at += 4096) liar.data()[at] = std::byte{0xFF};
  ++counts->lies;
}

/// A second thread turns bytes over while the sidecar reads them.
void lie_twice(Liar& liar) {
  for (int i = 0; i < 4; ++i)
    liar.good_frame(frame_tag(FrameKind::kInline), liar.now(),
                    "\x81\xa3msg\xd9\x20 0123456789012345678901234567890");
  std::atomic<bool> stop{false};
  std::thread other([&] {
    auto* size = reinterpret_cast<std::atomic<std::uint32_t>*>(liar.data());
    auto* text = reinterpret_cast<std::atomic<std::uint8_t>*>(liar.data() + sizeof(FrameHeader) + 6);
    const std::uint64_t committed = liar.line().committed.load(kRelaxed);
    for (std::uint32_t n = 0; !stop.load(kRelaxed); ++n) {
      size->store(n % 2 == 0 ? 56 : 0xFFFFFFF8, kRelaxed);
      text->store(static_cast<std::uint8_t>(n), kRelaxed);
      liar.line().committed.store(n % 3 == 0 ? committed + 1000 : committed, kRelease);
      liar.line().origin[0].store(n % 5 == 0 ? 0 : committed, kRelaxed);
      ++counts->lies;
    }
  });
  liar.pause(8000);
  stop = true;
  other.join();
}

std::uint64_t enter_site(Liar& liar, std::string_view bytes, std::uint64_t room) {
  Word64& top = liar.segment().shared().arena_top;
  std::uint64_t at = top.load(kRelaxed);
  do {
    if (at + room > liar.segment().preamble().site_arena.size) return 0;
  } while (!top.compare_exchange_weak(at, at + room, kRelaxed));
  if (!liar.segment().back(liar.segment().site_arena() + at, room)) return 0;
  std::memcpy(liar.segment().site_arena() + at, bytes.data(), std::min<std::uint64_t>(bytes.size(), room));
  return at;
}

std::uint32_t name_site(Liar& liar, std::uint64_t word) {
  for (int tries = 0; tries < 1000; ++tries) {
    const auto index = static_cast<std::uint32_t>(1 + liar.below(liar.segment().preamble().sites - 1));
    std::uint64_t expected = 0;
    if (liar.segment().site_table()[index].compare_exchange_strong(expected, word)) return index;
  }
  return 0;
}

void lie_sites(Liar& liar) {
  for (int i = 0; i < 8; ++i) {
    std::uint32_t header[4] = {static_cast<std::uint32_t>(liar.odd_number()),
                               static_cast<std::uint32_t>(liar.any()), 0, 0};
    const std::uint64_t at = enter_site(liar, {reinterpret_cast<char*>(header), sizeof header}, 16);
    const std::uint64_t places[] = {at / 8, liar.any() & 0xFFFFFFFF,
                                    liar.segment().preamble().site_arena.size / 8 - 1,
                                    liar.segment().preamble().site_arena.size / 8};
    const std::uint32_t id = name_site(liar, (liar.any() << 32) | places[liar.below(std::size(places))]);
    for (int n = 0; n < 4; ++n) liar.good_frame(frame_tag(FrameKind::kRecord, id), liar.now(), "\x90");
  }
  liar.pause(2000);
}

/// A site of a megabyte, whose checksum is wrong, and thousands of records that name it.
void lie_site_bomb(Liar& liar) {
  std::uint32_t header[2] = {(1U << 20) - 8, 1};
  const std::uint64_t at = enter_site(liar, {reinterpret_cast<char*>(header), sizeof header}, 1 << 20);
  if (at == 0) return;
  const std::uint32_t id = name_site(liar, at / 8);
  for (int n = 0; n < 3000; ++n) liar.good_frame(frame_tag(FrameKind::kRecord, id), liar.now(), "\x90");
  liar.pause(2000);
}

/// The last thing that is done to a lane: what is written to it from then on may be another's.
void lie_word(Liar& liar) {
  const LaneWord old = unpack_lane(liar.line().word.load(kRelaxed));
  const std::uint64_t words[] = {0,
                                 pack({LaneState::kFree, 0, old.tenancy}),
                                 pack({LaneState::kFree, 0, old.tenancy + 1}),
                                 pack({LaneState::kClosed, old.slot, old.tenancy}),
                                 pack({LaneState::kClosed, 0x3FFF, old.tenancy}),
                                 pack({LaneState::kOpen, 0x3FFF, old.tenancy}),
                                 pack({LaneState::kOpen, liar.segment().slots() - 1, old.tenancy + 7}),
                                 ~std::uint64_t{0},
                                 liar.any()};
  if (liar.coin()) liar.line().committed.store(liar.odd_number(), kRelease);
  liar.line().word.store(words[liar.below(std::size(words))], kRelease);
  ++counts->lies;
}

/// The lane is said to be free again and again while it makes no sense: told once, not five thousand times a
/// second.
void lie_word_flood(Liar& liar) {
  const std::uint64_t word = liar.line().word.load(kRelaxed);
  for (int i = 0; i < 100; ++i) {
    liar.line().committed.store(liar.any(), kRelease);
    liar.line().word.store(pack({LaneState::kClosed, 0x3FFF, unpack_lane(word).tenancy}), kRelease);
    ++counts->lies;
    liar.pause(300);
  }
}

// --- what a liar may do to everybody's

void lie_anywhere(Liar& liar) {
  const Preamble& p = liar.segment().preamble();
  auto* base = reinterpret_cast<std::byte*>(&liar.segment().shared());
  const std::uint64_t length = p.site_arena.offset - p.shared_control.offset;
  for (int i = 0; i < 3000; ++i) {
    auto* word = reinterpret_cast<Word64*>(base + liar.below(length / 8) * 8);
    const std::uint64_t value = liar.odd_number();
    word->store(liar.coin() ? value : word->load(kRelaxed) ^ (std::uint64_t{1} << liar.below(64)), kRelaxed);
    ++counts->lies;
    if (i % 500 == 0) liar.pause(500);
  }
}

void lie_of_all_lanes(Liar& liar) {
  for (std::uint32_t i = 0; i < liar.segment().lanes(); ++i) {
    ProducerLine& line = liar.segment().producer_line(i);
    Word64* const words[] = {&line.committed, &line.origin[0], &line.origin[1], &line.word,
                             &line.dropped[liar.below(5)]};
    words[liar.below(std::size(words))]->store(liar.odd_number(), kRelease);
    StepWord* steps = liar.segment().step_table(i);
    steps[liar.below(liar.segment().steps())].store(static_cast<std::uint8_t>(liar.below(6)), kRelaxed);
    counts->lies += 2;
  }
  liar.pause(1000);
}

void lie_shared(Liar& liar) {
  SharedControl& shared = liar.segment().shared();
  for (int i = 0; i < 20; ++i) {
    shared.budget_left.store(static_cast<std::int64_t>(liar.odd_number()), kRelaxed);
    shared.arena_top.store(liar.odd_number(), kRelaxed);
    shared.sites_used.store(liar.odd_number(), kRelaxed);
    shared.attention.store(static_cast<std::uint32_t>(liar.any()) & ~kAttentionRetired, kRelaxed);
    for (Word64& word : liar.segment().blocked_bitmap()) word.store(liar.any(), kRelaxed);
    for (int n = 0; n < 50; ++n)
      liar.segment().site_table()[liar.below(liar.segment().preamble().sites)].store(liar.any(), kRelaxed);
    counts->lies += 55;
    liar.pause(300);
  }
}

void lie_retired(Liar& liar) {
  liar.segment().shared().attention.fetch_or(kAttentionRetired);
  ++counts->lies;
}

constexpr Strategy kOwn[] = {
    {"committed", lie_committed},
    {"committed_back", lie_committed_back},
    {"committed_ahead", lie_committed_ahead},
    {"origins", lie_origins},
    {"sizes", lie_sizes},
    {"tags", lie_tags},
    {"gaps", lie_gaps},
    {"times", lie_times},
    {"names", lie_names},
    {"drops", lie_drops},
    {"slot", lie_slot},
    {"steps", lie_steps},
    {"busy", lie_busy},
    {"memory", lie_memory},
    {"twice", lie_twice},
    {"sites", lie_sites},
    {"site_bomb", lie_site_bomb},
    {"word", lie_word},
    {"word_flood", lie_word_flood},
};
constexpr Strategy kAll[] = {{"anywhere", lie_anywhere},
                             {"lanes", lie_of_all_lanes},
                             {"shared", lie_shared},
                             {"consumer", lie_of_consumer},
                             {"retired", lie_retired}};

}  // namespace

std::span<const Strategy> own_lies() {
  return kOwn;
}

std::span<const Strategy> lies_about_all() {
  return kAll;
}

}  // namespace logbus::byzantine
