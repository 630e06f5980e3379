// SPDX-License-Identifier: MIT
// Reads a segment by pread, while others may write it.
#include "shm/snapshot.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include <logbus/error.h>
#include "base/kernel.h"
#include "base/process_identity.h"
#include "shm/site_table.h"

namespace logbus::shm {
namespace {

using namespace detail;

// A writer that keeps up starts a lap with every other record: past this many tries what is whole must do.
constexpr int kLaneAttempts = 4;

/// A lane's words at one moment.
struct LineReading {
  std::uint64_t committed, newest, older, read;
  std::uint64_t word;
  std::uint32_t busy;

  LineReading(const ProducerLine& producer, const ConsumerLine& consumer)
      : committed(producer.committed.load(std::memory_order_relaxed)),
        newest(std::max(producer.origin[0].load(std::memory_order_relaxed),
                        producer.origin[1].load(std::memory_order_relaxed))),
        older(std::min(producer.origin[0].load(std::memory_order_relaxed),
                       producer.origin[1].load(std::memory_order_relaxed))),
        read(consumer.read.load(std::memory_order_relaxed)),
        word(producer.word.load(std::memory_order_relaxed)),
        busy(producer.busy.load(std::memory_order_relaxed)) {}

  bool makes_sense(std::uint64_t size) const noexcept {
    return newest <= committed && committed - newest <= size && read <= committed &&
           (read >= newest || (read >= older && newest - older <= size));
  }
};

/// A file in the bus's directory under a bus's name is the bus; anything else may be a copy of one.
bool is_in_place(const std::string& path) {
  const std::filesystem::path file(path);
  std::error_code error;
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  return file.extension() == ".logbus" && std::filesystem::equivalent(folder, bus_directory({}), error);
}

}  // namespace

Snapshot Snapshot::of_bus(const BusOptions& options) {
  const std::string path = bus_path(options);
  base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  if (!fd && errno == ENOENT) throw Error("no bus \"" + options.bus + "\": there is no " + path);
  if (!fd) throw Error(errno, "can't open bus " + path);
  return Snapshot(path, std::move(fd), false);
}

Snapshot Snapshot::of_file(const std::string& path) {
  // Non-blocking, so that a FIFO of that name does not keep us.
  base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) throw Error(errno, "can't open " + path);
  return Snapshot(path, std::move(fd), !is_in_place(path));
}

Snapshot::Snapshot(std::string path, base::UniqueFd fd, bool may_be_copy)
    : path_(std::move(path)), fd_(std::move(fd)), may_be_copy_(may_be_copy) {
  struct stat st = {};
  if (::fstat(fd_.get(), &st) != 0) throw Error(errno, "can't stat " + path_);
  if (!S_ISREG(st.st_mode)) throw Error(path_ + " is not a regular file");
  if (static_cast<std::uint64_t>(st.st_size) < sizeof preamble_)
    throw Error(path_ + " is not a logbus segment: too short");
  read(&preamble_, sizeof preamble_, 0);
  check_preamble(preamble_, static_cast<std::uint64_t>(st.st_size), path_);
  of_this_boot_ = preamble_.boot_id == base::boot_id();
  consumer_ = std::make_unique<ConsumerControl>();
  shared_ = std::make_unique<SharedControl>();
  slots_ = std::vector<ProcessSlot>(preamble_.slots);
  producer_lines_ = std::vector<ProducerLine>(preamble_.lanes);
  consumer_lines_ = std::vector<ConsumerLine>(preamble_.lanes);
  steps_.resize(preamble_.step_table.size);
  site_words_.resize(preamble_.sites);
  refresh();
}

void Snapshot::refresh() {
  struct stat st = {};
  if (::fstat(fd_.get(), &st) != 0) throw Error(errno, "can't stat " + path_);
  resident_bytes_ = static_cast<std::uint64_t>(st.st_blocks) * 512;
  const Preamble& p = preamble_;
  read(consumer_.get(), sizeof(ConsumerControl), p.consumer_control.offset);
  read(consumer_lines_.data(), p.consumer_lines.size, p.consumer_lines.offset);
  read(slots_.data(), p.slots_region.size, p.slots_region.offset);
  read(producer_lines_.data(), p.producer_lines.size, p.producer_lines.offset);
  read(steps_.data(), p.step_table.size, p.step_table.offset);
  refresh_sites();
}

void Snapshot::refresh_sites() {
  const Preamble& p = preamble_;
  // Words before the arena's top: what a word names has been given out before it.
  read(site_words_.data(), p.site_table.size, p.site_table.offset);
  read(shared_.get(), sizeof(SharedControl), p.shared_control.offset);
  arena_.resize(std::min(shared_->arena_top.load(std::memory_order_relaxed), p.site_arena.size));
  read(arena_.data(), arena_.size(), p.site_arena.offset);
}

void Snapshot::read(void* to, std::uint64_t size, std::uint64_t offset) const {
  auto* at = static_cast<std::byte*>(to);
  while (size > 0) {
    const ssize_t n = ::pread(fd_.get(), at, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error(errno, "can't read " + path_);
    if (n == 0) throw Error(path_ + " has become shorter while it was read");
    at += n;
    offset += static_cast<std::uint64_t>(n);
    size -= static_cast<std::uint64_t>(n);
  }
}

std::uint64_t Snapshot::lane_memory(std::uint32_t lane) const noexcept {
  const std::uint8_t* steps = steps_.data() + lane * preamble_.step_table.stride;
  std::uint64_t bytes = 0;
  for (std::uint32_t i = 0; i < preamble_.steps_per_lane; ++i)
    if (steps[i] != static_cast<std::uint8_t>(StepState::kHole)) bytes += step_end(i) - step_begin(i);
  return bytes;
}

std::optional<std::span<const std::byte>> Snapshot::site(std::uint32_t id) const noexcept {
  if (id == 0 || id >= site_words_.size()) return std::nullopt;
  return parse_site(site_words_[id], arena_);
}

Life Snapshot::life(std::int64_t lock) const noexcept {
  if (base::is_locked(fd_.get(), lock, 1)) return Life::kLive;
  return may_be_copy_ && of_this_boot_ ? Life::kUnknown : Life::kDead;
}

Life Snapshot::slot_life(std::uint32_t index) const noexcept {
  return life(kSlotLockBase + index);
}
Life Snapshot::lease_life() const noexcept {
  return life(kLeaseLock);
}

TickClock Snapshot::make_clock() const {
  return clock_of(*this);
}

Snapshot::Journal Snapshot::journal() const {
  const auto word = [this](std::size_t offset, auto value) {
    read(&value, sizeof value, preamble_.journal.offset + offset);
    return value;
  };
  return {static_cast<JournalState>(word(offsetof(JournalHeader, state), std::uint32_t{0})),
          word(offsetof(JournalHeader, drained), std::uint64_t{0}),
          word(offsetof(JournalHeader, ops), std::uint32_t{0})};
}

/// A writer that died between its commit and the end of `busy`: what follows the last frame is not the one it
/// began.
bool Snapshot::is_committed(std::uint32_t lane, std::uint32_t busy, std::uint64_t offset) const {
  if ((busy & kBusyPhaseMask) != kBusyStamping) return false;
  const bool ring = (preamble_.features & kFeatureOverwrite) != 0;
  const std::uint64_t block = ring ? block_bytes(preamble_.lane_size) : preamble_.lane_size;
  FrameHeader header = {};
  // Published by the same store: the rest of a block, the next one's beginning, a gap.
  for (int before = 0; before < 4; ++before) {
    if (block - offset % block < sizeof header) offset += block - offset % block;
    if (preamble_.lane_size - offset < sizeof header || offset > preamble_.lane_size) return true;
    read(&header, sizeof header, preamble_.data.offset + lane * preamble_.lane_size + offset);
    const FrameKind kind = frame_kind(header.tag);
    if (header.size > preamble_.lane_size ||
        (kind != FrameKind::kGap && kind != FrameKind::kBlock && kind != FrameKind::kPad))
      break;
    offset += header.size;
  }
  return ((header.tag ^ busy >> 2) & (~std::uint32_t{0} >> 2)) != 0;
}

/// Copies the lane's bytes [begin, end) that have memory to to + begin; gives where they lie. Holes stay as
/// they are.
std::vector<Snapshot::Extent> Snapshot::copy_data(std::uint32_t lane, std::uint64_t begin, std::uint64_t end,
                                                  std::byte* to) const {
  const std::uint64_t start = preamble_.data.offset + lane * preamble_.lane_size;
  std::vector<Extent> extents;
  while (begin < end) {
    const off_t data = ::lseek(fd_.get(), static_cast<off_t>(start + begin), SEEK_DATA);
    if (data < 0) break;  // ENXIO: holes to the file's end
    const off_t hole = ::lseek(fd_.get(), data, SEEK_HOLE);
    const std::uint64_t from = static_cast<std::uint64_t>(data) - start;
    if (from >= end) break;
    // No hole to be found: the file was punched in between, or is on a file system without holes.
    const std::uint64_t until = hole < 0 ? end : std::min(end, static_cast<std::uint64_t>(hole) - start);
    read(to + from, until - from, start + from);
    if (!extents.empty() && extents.back().end == from)
      extents.back().end = until;
    else
      extents.push_back({from, until});
    begin = until;
  }
  return extents;
}

void Snapshot::take_tenant(const ProducerLine& line, LaneContents& contents) {
  contents.word = line.word.load(std::memory_order_relaxed);
  contents.thread = line.thread.load(std::memory_order_relaxed);
  contents.thread_name = bounded_text(line.thread_name[line.name_index.load(std::memory_order_relaxed) & 1]);
  contents.of_tenant =
      line.records.load(std::memory_order_relaxed) != line.records_before.load(std::memory_order_relaxed);
}

/// False: the writer has overwritten some of it meanwhile; what is given is the rest.
///
///   older lap:   |..........|#####unread#####|          the newest lap grows towards `read`,
///   newest lap:  |######|                               never beyond it
///                0     committed - newest   read - older
bool Snapshot::try_read_lane(std::uint32_t lane, LaneContents& contents) const {
  const std::uint64_t size = preamble_.lane_size;
  ProducerLine producer;
  ConsumerLine consumer;
  const auto read_lines = [&] {
    read(&consumer, sizeof consumer, preamble_.consumer_lines.offset + lane * sizeof consumer);
    read(&producer, sizeof producer, preamble_.producer_lines.offset + lane * sizeof producer);
    return LineReading(producer, consumer);
  };
  const LineReading was = read_lines();
  contents = {};
  contents.committed = was.committed;
  contents.read = was.read;
  contents.origin = was.newest;
  take_tenant(producer, contents);
  if (!was.makes_sense(size)) {
    contents.corrupt_at = was.read;
    return false;
  }
  const std::uint64_t used = was.committed - was.newest;
  const std::uint64_t rest = std::min(was.read, was.newest);
  contents.data.resize(std::max(used, rest < was.newest ? was.newest - was.older : 0) + sizeof(FrameHeader));
  std::vector<Extent> extents = copy_data(lane, 0, used, contents.data.data());
  if (rest < was.newest) {
    const auto more =
        copy_data(lane, std::max(used, rest - was.older), was.newest - was.older, contents.data.data());
    extents.insert(extents.end(), more.begin(), more.end());
  }
  const LineReading now = read_lines();
  contents.read = std::min(now.read, was.committed);
  take_tenant(producer, contents);

  // Bytes of a lap stay while it is the newest; once it is the one before, only what is unread stays.
  std::uint64_t position = was.committed;
  if (now.newest == was.newest)
    position = std::clamp(now.read, rest, was.newest);
  else if (now.older == was.newest)
    position = std::clamp(now.read, was.newest, was.committed);
  const bool whole = now.newest == was.newest && position == rest && now.word == was.word;

  const LaneView view{contents.data.data(), size, 0, was.committed, {was.older, was.newest}};
  const auto has_memory = [&](std::uint64_t offset, std::uint64_t bytes) {
    return std::any_of(extents.begin(), extents.end(),
                       [&](const Extent& e) { return offset >= e.begin && offset + bytes <= e.end; });
  };
  while (position < was.committed) {
    Frame frame;
    Parse result = parse_frame(view, position, frame);
    // What has been read may have been given back since, a part of a frame too.
    if (result == Parse::kFrame && position < contents.read &&
        !has_memory(static_cast<std::uint64_t>(frame.payload - contents.data.data()) - sizeof(FrameHeader),
                    frame.size))
      result = Parse::kCorrupt;
    if (result == Parse::kFrame) {
      contents.frames.push_back(frame);
      position += frame.size;
    } else if (position < contents.read) {
      position = contents.read;
    } else {
      contents.corrupt_at = position;
      break;
    }
  }
  if (was.busy != 0 && now.busy == was.busy && now.committed == was.committed &&
      unpack_lane(was.word).state != LaneState::kFree && !is_committed(lane, was.busy, used))
    contents.in_flight = was.busy >> 2;
  return whole;
}

LaneContents Snapshot::read_lane(std::uint32_t lane) const {
  LaneContents contents;
  const bool ring = (preamble_.features & kFeatureOverwrite) != 0;
  for (int attempt = 0; attempt < kLaneAttempts; ++attempt)
    if (ring ? try_read_ring(lane, contents) : try_read_lane(lane, contents)) break;
  return contents;
}

}  // namespace logbus::shm
