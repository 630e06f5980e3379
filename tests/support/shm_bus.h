// SPDX-License-Identifier: MIT
// Buses for tests: an own directory each, a writer's and a reader's few lines.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "shm/attachment.h"
#include "shm/doorbell.h"
#include "shm/frame_parser.h"
#include "shm/lane_owner.h"
#include "shm/options.h"
#include "shm/segment.h"

namespace logbus::testing {

/// A directory of its own, gone with the object.
class TempDir {
 public:
  explicit TempDir(const std::string& parent = "/dev/shm") {
    std::string name = parent + "/logbus-test-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("can't make a directory in " + parent);
    path_ = name;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Few and small lanes, so that everything runs full soon.
inline shm::BusOptions small_bus(const TempDir& directory, std::uint32_t lanes = 8,
                                 std::uint64_t lane_size = 64 << 10) {
  shm::BusOptions options;
  options.bus = "test";
  options.directory = directory.path();
  options.lanes = lanes;
  options.lane_size = lane_size;
  options.sites = 64;
  options.memory = 64 << 20;
  return options;
}

enum class Put { kWritten, kDropped, kRetired };

/// One record as the producer writes it: fast path, else slow path; a counted drop if there is no room.
inline Put put(shm::LaneOwner& lane, std::span<const std::byte> payload, int levelno, bool may_wait = false,
               std::uint32_t site = 1) {
  detail::LaneWriter& writer = lane.writer;
  if (!writer.enter()) {
    lane.count_drop(levelno, detail::DropReason::kNested);
    return Put::kDropped;
  }
  const std::uint32_t size = detail::LaneWriter::frame_bytes(static_cast<std::uint32_t>(payload.size()));
  if (!writer.has_room(size, detail::severity_of(levelno))) {
    const shm::Room room = lane.make_room(size, levelno, may_wait);
    if (room != shm::Room::kReady) {
      writer.leave();
      return room == shm::Room::kDropped ? Put::kDropped : Put::kRetired;
    }
  }
  std::byte* at = writer.begin(size, detail::frame_tag(detail::FrameKind::kRecord, site));
  if (!payload.empty()) std::memcpy(at, payload.data(), payload.size());
  if (writer.commit()) shm::ring(lane.attachment->segment().shared());
  return Put::kWritten;
}

/// Bytes that say which record they are, and carry a checksum. A multiple of 8, at least 16.
inline void fill_pattern(std::span<std::byte> bytes, std::uint64_t sequence) {
  std::uint64_t state = sequence * 0x9E3779B97F4A7C15 + bytes.size();
  std::uint64_t sum = state;
  for (std::size_t i = 16; i < bytes.size(); i += 8) {
    state = state * 6364136223846793005 + 1442695040888963407;
    std::memcpy(&bytes[i], &state, 8);
    sum = (sum ^ state) * 0x100000001B3;
  }
  std::memcpy(&bytes[0], &sequence, 8);
  std::memcpy(&bytes[8], &sum, 8);
}
inline std::vector<std::byte> pattern(std::uint64_t sequence, std::size_t size) {
  std::vector<std::byte> bytes(size);
  fill_pattern(bytes, sequence);
  return bytes;
}

/// Whether this is a pattern() to the last byte; gives its sequence.
inline bool check_pattern(std::span<const std::byte> payload, std::uint64_t& sequence) {
  if (payload.size() < 16 || payload.size() % 8 != 0) return false;
  std::memcpy(&sequence, payload.data(), 8);
  std::uint64_t state = sequence * 0x9E3779B97F4A7C15 + payload.size();
  std::uint64_t sum = state;
  for (std::size_t i = 16; i < payload.size(); i += 8) {
    state = state * 6364136223846793005 + 1442695040888963407;
    std::uint64_t word;
    std::memcpy(&word, &payload[i], 8);
    if (word != state) return false;
    sum = (sum ^ word) * 0x100000001B3;
  }
  std::uint64_t told;
  std::memcpy(&told, &payload[8], 8);
  return told == sum;
}

/// Reads one lane the plain way, without a merge.
class LaneTap {
 public:
  LaneTap(const shm::Segment& sidecar, std::uint32_t lane)
      : segment_(sidecar), lane_(lane), cursor_(sidecar.consumer_line(lane).read.load()) {}

  shm::LaneView view() const {
    const shm::ProducerLine& line = segment_.producer_line(lane_);
    shm::LaneView view;
    view.data = segment_.lane_data(lane_);
    view.size = segment_.lane_size();
    view.committed = line.committed.load(std::memory_order_acquire);
    view.origin = {line.origin[0].load(std::memory_order_relaxed),
                   line.origin[1].load(std::memory_order_relaxed)};
    return view;
  }

  shm::Parse next(shm::Frame& frame) {
    const shm::Parse result = shm::parse_frame(view(), cursor_, frame);
    if (result == shm::Parse::kFrame) cursor_ += frame.size;
    return result;
  }

  /// What has been read so far may be overwritten.
  void commit() { segment_.consumer_line(lane_).read.store(cursor_, std::memory_order_release); }
  std::uint64_t cursor() const { return cursor_; }

 private:
  const shm::Segment& segment_;
  std::uint32_t lane_;
  std::uint64_t cursor_;
};

}  // namespace logbus::testing
