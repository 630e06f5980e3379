// SPDX-License-Identifier: MIT
// A bus in numbers.
#include "tools/bus_statistics.h"

#include <algorithm>
#include <map>

#include <logbus/detail/clock.h>

#include "tools/bus_text.h"

namespace logbus::tools {
namespace {

using namespace detail;

/// Unsigned counters of a file that others write or have damaged: a difference never wraps.
std::uint64_t minus(std::uint64_t a, std::uint64_t b) {
  return a - std::min(a, b);
}

SidecarStatistics sidecar_of(const shm::Snapshot& snapshot, bool of_this_boot) {
  const ConsumerControl& control = snapshot.consumer();
  SidecarStatistics sidecar;
  if (load(control.epoch) == 0) return sidecar;
  sidecar.state = snapshot.lease_life() == shm::Life::kLive ? SidecarState::kRunning
                  : load(control.holder_state) == 2         ? SidecarState::kReleased
                                                            : SidecarState::kDied;
  sidecar.pid = load(control.holder_pid);
  sidecar.config_path = shm::bounded_text(control.config_path);
  sidecar.attached_ns = static_cast<std::int64_t>(load(control.attached_realtime_ns));
  const std::uint64_t heartbeat =
      of_this_boot ? load(control.heartbeat_monotonic_ns) : load(control.heartbeat_realtime_ns);
  if (heartbeat != 0)
    sidecar.heartbeat_age_ns = static_cast<std::int64_t>(
        minus(clock_ns(of_this_boot ? CLOCK_MONOTONIC : CLOCK_REALTIME), heartbeat));
  return sidecar;
}

/// The writer may be at it, or have died there.
void read_error(const HandlerEntry& entry, HandlerStatistics& handler) {
  constexpr int kTries = 100;
  std::array<std::uint64_t, kErrorWords> words;
  std::uint64_t time = 0;
  std::uint64_t size = 0;
  for (int tries = 0; tries < kTries; ++tries) {
    // Acquire, and the fence: pair with the writer's. What was read is of one version, if that is the same
    // before and after.
    const std::uint64_t version = entry.error_version.load(std::memory_order_acquire);
    time = load(entry.error_time_ns);
    size = load(entry.error_size);
    for (std::size_t i = 0; i < kErrorWords; ++i) words[i] = load(entry.error_text[i]);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (version % 2 == 0 && load(entry.error_version) == version) break;
  }
  if (time == 0) return;
  handler.last_error_ns = static_cast<std::int64_t>(time);
  handler.last_error.assign(reinterpret_cast<const char*>(words.data()),
                            std::min<std::uint64_t>(size, sizeof words));
}

std::vector<HandlerStatistics> handlers_of(const ConsumerControl& control) {
  std::vector<HandlerStatistics> handlers;
  const std::size_t count = std::min<std::uint64_t>(load(control.handler_count), kMaxHandlers);
  for (std::size_t i = 0; i < count; ++i) {
    const HandlerEntry& entry = control.handlers[i];
    HandlerStatistics& handler = handlers.emplace_back();
    handler.name = shm::bounded_text(entry.name);
    handler.class_name = shm::bounded_text(entry.class_name);
    handler.records = load(entry.records);
    handler.bytes = load(entry.bytes);
    handler.errors = load(entry.errors);
    handler.retries = load(entry.retries);
    for (std::size_t reason = 0; reason < kDropReasonCount; ++reason) {
      handler.dropped_for[reason] = load(entry.dropped[reason]);
      handler.dropped += handler.dropped_for[reason];
    }
    handler.queue_length = load(entry.queue_length);
    handler.queue_capacity = load(entry.queue_capacity);
    handler.queue_bytes = load(entry.queue_bytes);
    if (const std::uint64_t memory = load(entry.queue_memory); ~memory != 0) handler.queue_memory = memory;
    read_error(entry, handler);
  }
  return handlers;
}

/// E stands for all from ERROR on.
void add_drops(WorkerStatistics& worker, std::size_t severity, std::uint64_t count) {
  worker.dropped += count;
  worker.dropped_by_severity[std::min<std::size_t>(severity, 3)] += count;
}

std::uint64_t sum(const Word64 (&counts)[kSeverities]) {
  std::uint64_t total = 0;
  for (const Word64& count : counts) total += load(count);
  return total;
}

class Collector {
 public:
  explicit Collector(const shm::Snapshot& snapshot) : snapshot_(snapshot), clock_(snapshot.make_clock()) {}

  BusStatistics run() {
    const ConsumerControl& control = snapshot_.consumer();
    result_.policy = load(control.policy) == static_cast<std::uint32_t>(Policy::kBlock) ? "block" : "drop";
    if ((snapshot_.preamble().features & kFeatureOverwrite) != 0) result_.policy = "overwrite";
    result_.overwritten = load(control.overwritten);
    result_.memory_limit_bytes = load(control.memory_bytes);
    result_.sites = load(snapshot_.shared().sites_used);
    result_.sites_limit = snapshot_.sites();
    result_.sidecar = sidecar_of(snapshot_, clock_.of_this_boot());
    result_.drained = load(control.drained);
    result_.journal = journal();
    result_.late = load(control.late);
    result_.truncated = load(control.truncated);
    result_.invalid_utf8 = load(control.invalid_utf8);
    result_.format_errors = load(control.format_errors);
    result_.quarantined_lanes = load(control.quarantined_lanes);
    result_.handlers = handlers_of(control);
    for (std::uint32_t i = 0; i < snapshot_.slots(); ++i) add_slot(i);
    for (std::uint32_t lane = 0; lane < snapshot_.lanes(); ++lane) add_lane(lane);
    if (oldest_unread_ != 0)
      result_.lag_ns = std::max<std::int64_t>(
          0, static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME)) - clock_.to_ns(oldest_unread_));
    for (auto& [slot, worker] : workers_) result_.workers.push_back(std::move(worker));
    return std::move(result_);
  }

 private:
  JournalStatistics journal() const {
    const shm::Snapshot::Journal journal = snapshot_.journal();
    if (journal.state != shm::JournalState::kSealed) return {journal.state};
    return {journal.state, std::max(journal.drained, result_.drained) - result_.drained, journal.files};
  }
  void add_slot(std::uint32_t index) {
    const ProcessSlot& slot = snapshot_.slot(index);
    result_.dropped += sum(slot.dropped_no_lane);
    if (slot_state(load(slot.word)) == SlotState::kFree) return;
    WorkerStatistics& worker = workers_[index];
    worker.slot = index;
    worker.name = shm::bounded_text(slot.process_name);
    worker.pid = load(slot.pid);
    worker.life = snapshot_.slot_life(index);
    worker.committed = load(slot.records_closed);
    for (std::size_t i = 0; i < kSeverities; ++i)
      add_drops(worker, i, load(slot.dropped_closed[i]) + load(slot.dropped_no_lane[i]));
  }

  void add_lane(std::uint32_t lane) {
    const ProducerLine& line = snapshot_.producer_line(lane);
    const std::uint64_t records = load(line.records);
    const std::uint64_t memory = snapshot_.lane_memory(lane);
    result_.committed += records;
    result_.dropped += sum(line.dropped);
    result_.memory_bytes += memory;
    const Lag lag = lag_of(lane);
    result_.lag.records += lag.records;
    result_.lag.bytes += lag.bytes;
    const LaneWord word = unpack_lane(load(line.word));
    const auto found = workers_.find(word.slot);
    if (word.state == LaneState::kFree || found == workers_.end()) return;
    WorkerStatistics& worker = found->second;
    ++worker.lanes;
    worker.committed += minus(records, load(line.records_before));
    for (std::size_t i = 0; i < kSeverities; ++i)
      add_drops(worker, i, minus(load(line.dropped[i]), load(line.dropped_before[i])));
    worker.memory_bytes += memory;
    worker.lag.records += lag.records;
    worker.lag.bytes += lag.bytes;
  }

  Lag lag_of(std::uint32_t lane) {
    Lag lag;
    if (load(snapshot_.producer_line(lane).committed) == load(snapshot_.consumer_line(lane).read)) return lag;
    const shm::LaneContents contents = snapshot_.read_lane(lane);
    result_.overwritten += contents.overwritten;
    lag.bytes = minus(contents.committed, std::max(contents.read, load(snapshot_.producer_line(lane).floor)));
    for (const shm::Frame& frame : contents.frames) {
      const bool is_record = frame.kind() == FrameKind::kRecord || frame.kind() == FrameKind::kInline;
      if (frame.position < contents.read || !is_record) continue;
      ++lag.records;
      oldest_unread_ = oldest_unread_ == 0 ? frame.ticks : std::min(oldest_unread_, frame.ticks);
    }
    return lag;
  }

  const shm::Snapshot& snapshot_;
  shm::TickClock clock_;
  std::uint64_t oldest_unread_ = 0;  // ticks
  std::map<std::uint32_t, WorkerStatistics> workers_;
  BusStatistics result_;
};

}  // namespace

BusStatistics collect_statistics(const shm::Snapshot& snapshot) {
  return Collector(snapshot).run();
}

}  // namespace logbus::tools
