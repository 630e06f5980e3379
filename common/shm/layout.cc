// SPDX-License-Identifier: MIT
// Where the tables of a segment lie, and whether a file is one.
#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include <logbus/error.h>
#include "shm/segment.h"

namespace logbus::shm {
namespace {

using namespace detail;

// One process has at least one lane, so more slots than lanes would never be used; and a lane word has 14
// bits for its slot.
constexpr std::uint32_t kMaxLanes = 1 << 14;
// 250 bytes a site are twice what a call site with a long path needs.
constexpr std::uint64_t kArenaBytesPerSite = 256;
// The redo journal: its header, and where each lane has been read to; and addresses for the payload of one
// batch, most of which is of one oversized record.
constexpr std::uint64_t kJournalPayloadBytes = 16 << 20;

constexpr std::uint64_t align_up(std::uint64_t value) {
  return (value + kRegionAlign - 1) & ~(kRegionAlign - 1);
}

}  // namespace

Preamble compute_layout(std::uint32_t lanes, std::uint64_t lane_size, std::uint32_t sites) {
  if (lanes == 0 || lanes > kMaxLanes) throw Error(EINVAL, "lanes must be 1 to 16384");
  if (!std::has_single_bit(lane_size) || lane_size < kStepBytes || lane_size > (1ULL << 30))
    throw Error(EINVAL, "lane_size must be a power of two from 64 KiB to 1 GiB");
  if (!std::has_single_bit(sites) || sites < 64 || sites > (1U << 23))
    throw Error(EINVAL, "sites must be a power of two from 64 to 8388608");
  Preamble p = {};
  p.magic = kMagic;
  p.lanes = lanes;
  p.slots = lanes;
  p.sites = sites;
  p.lane_size = lane_size;
  p.steps_per_lane = steps_for(lane_size);
  std::uint64_t end = kRegionAlign;  // the preamble has the first one
  const auto place = [&end](std::uint64_t size, std::uint64_t stride) {
    const Region region{end, size, stride};
    end = align_up(end + size);
    return region;
  };
  p.consumer_control = place(sizeof(ConsumerControl), 0);
  p.consumer_lines = place(lanes * sizeof(ConsumerLine), sizeof(ConsumerLine));
  p.journal = place(kJournalHeaderBytes + lanes * sizeof(JournalLane), 0);
  p.journal_payload = place(kJournalPayloadBytes, 0);
  p.shared_control = place(kBlockedBitmapOffset + (lanes + 63) / 64 * sizeof(Word64), 0);
  p.slots_region = place(lanes * sizeof(ProcessSlot), sizeof(ProcessSlot));
  p.producer_lines = place(lanes * sizeof(ProducerLine), sizeof(ProducerLine));
  const std::uint64_t steps_stride = (p.steps_per_lane + 63) / 64 * 64;
  p.step_table = place(lanes * steps_stride, steps_stride);
  p.site_table = place(sites * sizeof(Word64), sizeof(Word64));
  p.site_arena = place(sites * kArenaBytesPerSite, 0);
  p.data = place(lanes * lane_size, lane_size);
  p.file_size = end;
  return p;
}

void check_preamble(const Preamble& preamble, std::uint64_t file_size, const std::string& path) {
  if (std::memcmp(preamble.magic.data(), kMagic.data(), kMagic.size() - 1) != 0)
    throw Error(EBADMSG, path + " is not a logbus segment");
  if (preamble.magic.back() != kLayoutVersion)
    throw Error(EPROTO, path + " has layout version " + std::to_string(preamble.magic.back()) +
                            ", this program reads version " + std::to_string(kLayoutVersion) +
                            (preamble.magic.back() > kLayoutVersion
                                 ? ": made by a newer logbus"
                                 : ": made by an older logbus, whose `logbusd --drain` can empty it, and "
                                   "`logbus rm` remove it"));
  if (const std::uint64_t unknown = preamble.features & ~kFeatureOverwrite; unknown != 0) {
    char bits[20];
    std::snprintf(bits, sizeof bits, "0x%llx", static_cast<unsigned long long>(unknown));
    throw Error(EPROTO, path + " was made by a newer logbus: it needs the features " + bits +
                            ", which this program does not know");
  }
  if (file_size < preamble.file_size)
    throw Error(EBADMSG, path + " is truncated: " + std::to_string(file_size) + " of " +
                             std::to_string(preamble.file_size) + " bytes");
  const auto damaged = [&path] { return Error(EBADMSG, path + " has a damaged preamble"); };
  Preamble expected = preamble;
  try {
    const Preamble computed = compute_layout(preamble.lanes, preamble.lane_size, preamble.sites);
    std::memcpy(&expected.consumer_control, &computed.consumer_control,
                sizeof(Preamble) - offsetof(Preamble, consumer_control));
    expected.slots = computed.slots;
    expected.steps_per_lane = computed.steps_per_lane;
    expected.file_size = computed.file_size;
  } catch (const Error&) {
    throw damaged();
  }
  const bool clock_known =
      preamble.clock_source == ClockSource::kMonotonicNs || preamble.clock_source == ClockSource::kTsc;
  if (std::memcmp(&expected, &preamble, sizeof preamble) != 0 || !clock_known ||
      preamble.boot_id[sizeof preamble.boot_id - 1] != '\0' ||
      ((preamble.features & kFeatureOverwrite) != 0 && preamble.lane_size < kMinRingBytes))
    throw damaged();
}

}  // namespace logbus::shm
