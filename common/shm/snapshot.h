// SPDX-License-Identifier: MIT
// A segment as somebody sees it who only looks: live, left by the dead, or a copied file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "shm/frame_parser.h"
#include "shm/options.h"
#include "shm/segment.h"
#include "shm/tick_clock.h"

namespace logbus::shm {

enum class Life {
  kLive,     // holds its kernel lock
  kDead,     // does not
  kUnknown,  // the file is a copy: nobody locks that
};

/// What one lane holds: frames from the start of its newest lap, also those already read, and the unread rest
/// of the lap before. `frames` lead into `data`.
struct LaneContents {
  std::uint64_t word = 0;  // LaneWord
  std::uint32_t thread = 0;
  std::string thread_name;
  /// The tenant has committed something: then the newest lap is its own.
  bool of_tenant = false;
  std::uint64_t committed = 0;
  std::uint64_t read = 0;
  std::uint64_t origin = 0;  // of the newest lap
  std::vector<std::byte> data;
  std::vector<Frame> frames;
  /// Where the unread part stops making sense.
  std::optional<std::uint64_t> corrupt_at;
  /// Of a lane that overwrites: records that were overwritten before they were read, as far as not yet told.
  std::uint64_t overwritten = 0;
  /// The tag of a frame that was begun and not committed.
  std::optional<std::uint32_t> in_flight;
};

/// Copies of a segment's tables, with Segment's accessors, and lane data on demand. Reads the file by pread
/// alone: a mapping would give holes memory, and be SIGBUS on a file that gets shorter. Writes nothing, waits
/// for nobody.
class Snapshot {
 public:
  /// Throws Error naming the path: no such bus, not a segment, another layout version, truncated, damaged.
  static Snapshot of_bus(const BusOptions& options);
  static Snapshot of_file(const std::string& path);

  /// Reads the tables again.
  void refresh();
  /// The sites alone: after the lanes have been read, for those entered meanwhile.
  void refresh_sites();

  const std::string& path() const noexcept { return path_; }
  const Preamble& preamble() const noexcept { return preamble_; }
  std::uint32_t lanes() const noexcept { return preamble_.lanes; }
  std::uint32_t slots() const noexcept { return preamble_.slots; }
  const ConsumerControl& consumer() const noexcept { return *consumer_; }
  const SharedControl& shared() const noexcept { return *shared_; }
  const ProcessSlot& slot(std::uint32_t index) const noexcept { return slots_[index]; }
  const ProducerLine& producer_line(std::uint32_t lane) const noexcept { return producer_lines_[lane]; }
  const ConsumerLine& consumer_line(std::uint32_t lane) const noexcept { return consumer_lines_[lane]; }
  /// Bytes of the lane's steps that are not holes.
  std::uint64_t lane_memory(std::uint32_t lane) const noexcept;
  /// The site's content; nothing if there is none or it is damaged. Borrowed until refresh(). `id` may be
  /// anything.
  std::optional<std::span<const std::byte>> site(std::uint32_t id) const noexcept;
  std::uint32_t sites() const noexcept { return preamble_.sites; }

  Life slot_life(std::uint32_t index) const noexcept;
  /// Whether a sidecar has the lease.
  Life lease_life() const noexcept;
  /// What the sidecar has sealed and not yet done, as of now.
  struct Journal {
    JournalState state;
    std::uint64_t drained;  // records all in all, once it is done
    std::uint32_t files;    // parts for them
  };
  Journal journal() const;
  /// Bytes of the file that have memory.
  std::uint64_t resident_bytes() const noexcept { return resident_bytes_; }

  /// The lane as it is now. What a live writer overwrites meanwhile is left out.
  LaneContents read_lane(std::uint32_t lane) const;

  /// With all the readings that the segment holds.
  TickClock make_clock() const;

 private:
  Snapshot(std::string path, base::UniqueFd fd, bool may_be_copy);
  struct Extent {
    std::uint64_t begin, end;
  };
  void read(void* to, std::uint64_t size, std::uint64_t offset) const;
  bool is_committed(std::uint32_t lane, std::uint32_t busy, std::uint64_t offset) const;
  bool try_read_lane(std::uint32_t lane, LaneContents& contents) const;
  bool try_read_ring(std::uint32_t lane, LaneContents& contents) const;
  static void take_tenant(const ProducerLine& line, LaneContents& contents);
  std::vector<Extent> copy_data(std::uint32_t lane, std::uint64_t begin, std::uint64_t end,
                                std::byte* to) const;
  Life life(std::int64_t lock) const noexcept;

  std::string path_;
  base::UniqueFd fd_;
  bool may_be_copy_;
  bool of_this_boot_ = false;
  std::uint64_t resident_bytes_ = 0;
  Preamble preamble_ = {};
  std::unique_ptr<ConsumerControl> consumer_;
  std::unique_ptr<SharedControl> shared_;
  std::vector<ProcessSlot> slots_;
  std::vector<ProducerLine> producer_lines_;
  std::vector<ConsumerLine> consumer_lines_;
  std::vector<std::uint8_t> steps_;
  std::vector<std::uint64_t> site_words_;
  std::vector<std::byte> arena_;
};

/// A name out of shared memory: up to the first NUL, or the whole field.
template <std::size_t N>
std::string_view bounded_text(const char (&field)[N]) noexcept {
  return {field, ::strnlen(field, N)};
}

}  // namespace logbus::shm
