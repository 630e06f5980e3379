// SPDX-License-Identifier: MIT
// The records in a bus's lanes, in the order of their stamps.
#include "tools/lane_records.h"

#include <algorithm>
#include <cstring>
#include <exception>

#include <fmt/format.h>

#include <logbus/level.h>
#include "record/value_text.h"

namespace logbus::tools {
namespace {

using namespace detail;

std::uint64_t load(const Word64& word) {
  return word.load(std::memory_order_relaxed);
}

}  // namespace

std::string message_of(const LogRecord& record) {
  try {
    return record.get_message();
  } catch (const std::exception& e) {
    std::string text;
    record::append_str(record.msg, text);
    text += ' ';
    record::append_str(record.args, text);
    return text + "  <" + e.what() + ">";
  }
}

LaneRecords::LaneRecords(shm::Snapshot& snapshot, std::optional<std::uint32_t> only)
    : snapshot_(snapshot), clock_(snapshot.make_clock()) {
  if (only) {
    add_lane(*only);
  } else {
    for (std::uint32_t lane = 0; lane < snapshot.lanes(); ++lane)
      if (load(snapshot.producer_line(lane).committed) != 0 ||
          unpack_lane(load(snapshot.producer_line(lane).word)).state != LaneState::kFree)
        add_lane(lane);
  }
  snapshot.refresh_sites();
  // Stable: a lane's frames stay in their order, and lanes with the same stamp in that of their numbers.
  std::stable_sort(order_.begin(), order_.end(),
                   [](const Place& a, const Place& b) { return a.ticks < b.ticks; });
  clock_.refresh();
}

LaneTenant LaneRecords::tenant_of(const shm::LaneContents& contents) const {
  LaneTenant tenant;
  tenant.thread = contents.thread;
  tenant.thread_name = contents.thread_name;
  const LaneWord owner = unpack_lane(contents.word);
  if (owner.state == LaneState::kFree || owner.slot >= snapshot_.slots()) return tenant;
  const ProcessSlot& slot = snapshot_.slot(owner.slot);
  tenant.slot = owner.slot;
  tenant.process_name = shm::bounded_text(slot.process_name);
  tenant.pid = slot.pid.load(std::memory_order_relaxed);
  tenant.start_ns = static_cast<std::int64_t>(load(slot.attach_realtime_ns));
  return tenant;
}

void LaneRecords::add_lane(std::uint32_t lane) {
  ReadLane read;
  read.lane = lane;
  read.contents = snapshot_.read_lane(lane);
  read.tenant = tenant_of(read.contents);
  // A tenant comes only to a lane that has been read to its end, and begins a lap of its own.
  read.frames_of_another = read.tenant.slot && !read.contents.of_tenant;
  LaneTenant owner = read.tenant;
  if (read.frames_of_another) owner = {};
  names_.push_back({owner.thread_name, owner.process_name});
  for (std::uint32_t i = 0; i < read.contents.frames.size(); ++i) {
    const shm::Frame& frame = read.contents.frames[i];
    if (frame.kind() != FrameKind::kNames) {
      order_.push_back({frame.ticks, static_cast<std::uint32_t>(lanes_.size()), i,
                        static_cast<std::uint32_t>(names_.size() - 1)});
      continue;
    }
    wire::Names names;
    if (decoder_.decode_names({frame.payload, frame.payload_size}, names) != wire::DecodeResult::kOk)
      continue;
    Names next = names_.back();
    if (names.thread_name) next.thread_name = *names.thread_name;
    if (names.process_name) next.process_name = *names.process_name;
    names_.push_back(std::move(next));
  }
  lanes_.push_back(std::move(read));
}

const wire::Site* LaneRecords::site(std::uint32_t id) {
  const auto [found, is_new] = sites_.try_emplace(id);
  if (is_new) {
    wire::Site site;
    const auto content = snapshot_.site(id);
    if (content && decoder_.decode_site(*content, site) == wire::DecodeResult::kOk)
      found->second = std::move(site);
  }
  return found->second ? &*found->second : nullptr;
}

std::int64_t LaneRecords::time_of(std::size_t index) {
  return clock_.to_ns(order_[index].ticks);
}

void LaneRecords::decode_gap(const shm::Frame& frame, Entry& entry) {
  GapFrame gap;
  std::memcpy(&gap, frame.payload - sizeof(FrameHeader), sizeof gap);
  entry.kind = EntryKind::kGap;
  std::copy(std::begin(gap.dropped), std::end(gap.dropped), entry.dropped);
  entry.first_ns = clock_.to_ns(gap.first_ticks);
  entry.last_ns = clock_.to_ns(gap.last_ticks);
  std::uint64_t total = 0;
  for (const std::uint64_t count : gap.dropped) total += count;
  entry.record.name = "logbus";
  entry.record.levelno = static_cast<int>(Level::kWarning);
  entry.record.levelname = "WARNING";
  entry.message = fmt::format("records dropped here; {} in this lane so far (D/I/W/E/C {})", total,
                              fmt::join(gap.dropped, "/"));
  entry.record.msg = entry.message;
  entry.record.style = MessageStyle::kVerbatim;
  entry.record.args = None{};
  entry.record.pathname.clear();
  entry.record.func_name.clear();
  entry.record.lineno = 0;
  entry.record.exc_text.clear();
  entry.record.stack_info.clear();
  entry.record.extra.clear();
  entry.record.overrides.clear();
}

void LaneRecords::decode(std::size_t index, Entry& entry) {
  const Place& place = order_[index];
  const ReadLane& lane = lanes_[place.lane];
  const shm::Frame& frame = lane.contents.frames[place.frame];
  entry.kind = EntryKind::kRecord;
  entry.lane = lane.lane;
  entry.position = frame.position;
  entry.read = frame.position < lane.contents.read;
  entry.site = frame.kind() == FrameKind::kRecord ? frame_id(frame.tag) : 0;
  entry.size = frame.size;
  LogRecord& record = entry.record;
  const LaneTenant nobody;
  const LaneTenant& tenant = lane.frames_of_another ? nobody : lane.tenant;
  record.created_ns = clock_.to_ns(frame.ticks);
  record.start_ns = tenant.start_ns;
  record.thread = tenant.thread;
  record.process = tenant.pid;
  record.thread_name = names_[place.names].thread_name;
  record.process_name = names_[place.names].process_name;
  record.truncated = (frame.tag & kTagTruncated) != 0;
  record.late = false;
  const std::span<const std::byte> payload{frame.payload, frame.payload_size};
  auto result = wire::DecodeResult::kMalformed;
  if (frame.kind() == FrameKind::kGap) return decode_gap(frame, entry);
  if (frame.kind() == FrameKind::kInline) {
    result = decoder_.decode_record(payload, record);
  } else if (frame.kind() == FrameKind::kRecord) {
    if (const wire::Site* known = site(entry.site)) result = decoder_.decode_record(*known, payload, record);
  }
  if (result != wire::DecodeResult::kOk) {
    entry.kind = EntryKind::kUnreadable;
    entry.message.clear();
    return;
  }
  entry.message = message_of(record);
}

}  // namespace logbus::tools
