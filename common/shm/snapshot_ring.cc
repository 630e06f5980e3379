// SPDX-License-Identifier: MIT
// Reads a lane that overwrites by pread, while its writer may go on.
#include <algorithm>

#include "shm/snapshot.h"

namespace logbus::shm {

using namespace detail;

/// False: frames have been overwritten meanwhile, the lane let, or its words make no sense; what is given is
/// what is whole.
///
/// Three looks at the lane's words, in the order of a reader's: `committed`, then the origins, then the
/// bytes, then the floor, below which nothing of it holds.
bool Snapshot::try_read_ring(std::uint32_t lane, LaneContents& contents) const {
  const std::uint64_t size = preamble_.lane_size;
  const std::uint64_t block = block_bytes(size);
  ConsumerLine consumer;
  const auto look = [&](ProducerLine& line) {
    read(&line, sizeof line, preamble_.producer_lines.offset + lane * sizeof line);
  };
  const auto get = [](const Word64& word) { return word.load(std::memory_order_relaxed); };
  ProducerLine first;
  ProducerLine second;
  ProducerLine last;
  read(&consumer, sizeof consumer, preamble_.consumer_lines.offset + lane * sizeof consumer);
  look(first);
  look(second);
  const std::uint64_t committed = get(first.committed);
  const auto [older, newest] = std::minmax({get(second.origin[0]), get(second.origin[1])});  // values
  const std::uint64_t older_end = std::min(newest, committed);
  contents = {};
  contents.committed = committed;
  contents.read = std::min(get(consumer.read), committed);
  contents.origin = newest;
  const std::uint64_t used = committed - older_end;
  const std::uint64_t older_used = older_end - std::min(older, older_end);
  const std::uint64_t older_from = std::max(get(second.floor), older) - older;
  const bool makes_sense = used <= size && older_used <= size;
  std::vector<Extent> extents;
  if (makes_sense) {
    contents.data.resize(std::max(used, older_used) + sizeof(FrameHeader));
    extents = copy_data(lane, 0, used, contents.data.data());
    if (older_from < older_used) {
      const auto more = copy_data(lane, std::max(used, older_from), older_used, contents.data.data());
      extents.insert(extents.end(), more.begin(), more.end());
    }
  }
  look(last);
  take_tenant(last, contents);
  const std::uint64_t floor = get(last.floor);
  if (!makes_sense || floor > get(last.committed)) {
    contents.corrupt_at = contents.read;
    return false;
  }

  const LaneView view{contents.data.data(), size, block, committed, {older, newest}};
  const auto has_memory = [&](const Frame& frame) {
    const auto offset =
        static_cast<std::uint64_t>(frame.payload - contents.data.data()) - sizeof(FrameHeader);
    return std::any_of(extents.begin(), extents.end(),
                       [&](const Extent& e) { return offset >= e.begin && offset + frame.size <= e.end; });
  };
  bool counted = false;
  for (std::uint64_t position = floor; position < committed;) {
    Frame frame;
    const Parse result = parse_frame(view, position, frame);
    const FrameKind kind = frame.kind();
    // What has been read may have been given back since, a part of a frame too.
    const bool given_back = position < contents.read &&
                            (result != Parse::kFrame || (kind != FrameKind::kPad && !has_memory(frame)));
    if (given_back) {
      const std::uint64_t origin = position >= newest ? newest : older;
      position += block - (position - origin) % block;
      if (origin != newest) position = std::min(position, newest);
      continue;
    }
    if (result != Parse::kFrame) {
      contents.corrupt_at = position;
      break;
    }
    if (kind == FrameKind::kBlock && !std::exchange(counted, true) && floor > contents.read) {
      const std::uint64_t records = records_before(frame);
      contents.overwritten = records - std::min(records, get(consumer.passed));
    }
    if (kind != FrameKind::kBlock && kind != FrameKind::kPad) contents.frames.push_back(frame);
    position += frame.size;
  }
  const std::uint32_t busy = first.busy.load(std::memory_order_relaxed);
  if (busy != 0 && last.busy.load(std::memory_order_relaxed) == busy && get(last.committed) == committed &&
      unpack_lane(contents.word).state != LaneState::kFree && !is_committed(lane, busy, committed - newest))
    contents.in_flight = busy >> 2;
  return floor == get(first.floor) && get(last.word) == get(first.word);
}

}  // namespace logbus::shm
