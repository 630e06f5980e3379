// SPDX-License-Identifier: MIT
#include "own_records.h"

#include <time.h>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <limits>
#include <utility>

#include <logbus/detail/clock.h>

namespace logbus::consumer {

using namespace detail;

namespace {

const char* severity_name(std::size_t severity) {
  constexpr const char* kNames[kSeverities] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
  return kNames[severity];
}

/// Any number: it may come from bytes that make no sense.
std::string clock_text(std::int64_t ns) {
  const auto whole = std::chrono::floor<std::chrono::seconds>(std::chrono::nanoseconds(ns));
  const std::time_t seconds = whole.count();
  tm parts = {};
  ::localtime_r(&seconds, &parts);
  char text[32];
  const std::size_t n = std::strftime(text, sizeof text, "%H:%M:%S", &parts);
  const std::string micros = std::to_string((std::chrono::nanoseconds(ns) - whole).count() / 1000);
  return std::string(text, n) + "." + std::string(6 - micros.size(), '0') + micros;
}

}  // namespace

/// A record of the logger `logbus`, to be given next.
OwnRecords::Own& OwnRecords::say(const Tenant& about, std::uint64_t ticks, Level level, std::string message,
                                 bool of_frame) {
  Own& own = records_.emplace_back();
  own.of_frame = of_frame;
  LogRecord& record = own.record;
  record.name = "logbus";
  record.levelno = static_cast<int>(level);
  record.levelname = get_level_name(level);
  record.style = MessageStyle::kVerbatim;
  record.msg = std::move(message);
  record.created_ns = clock_.to_ns(ticks);
  about.identify(record);
  return own;
}

// Only now: were it reported before its line is written, a kill between the two would lose the line.
void OwnRecords::report_taken() {
  if (taken_.lane != kNone) {
    merge_.report(taken_.lane, taken_.dropped);
    // The merge has passed what a frame tells of.
    if (!taken_.of_frame) merge_.pass_over(taken_.lane, taken_.overwritten);
    dropped_reported_ += taken_.drops;
    overwritten_ += taken_.overwritten;
  }
  if (taken_.slot.index != kNone) slot_reports_.push_back(taken_.slot);
  taken_.lane = taken_.slot.index = kNone;
}

void OwnRecords::commit() noexcept {
  for (const SlotReport& report : slot_reports_) {
    shm::ProcessSlot& slot = segment_.slot(report.index);
    if (slot.word.load(std::memory_order_relaxed) == report.word)
      slot.told_no_lane.store(report.told, std::memory_order_relaxed);
  }
  slot_reports_.clear();
  segment_.consumer().dropped_reported.store(dropped_reported_, std::memory_order_relaxed);
  segment_.consumer().overwritten.store(overwritten_, std::memory_order_relaxed);
}

std::uint64_t OwnRecords::told(std::uint32_t slot, std::uint64_t word) const noexcept {
  const SlotReport& ours = told_[slot];
  return ours.word == word ? ours.told : segment_.slot(slot).told_no_lane.load(std::memory_order_relaxed);
}

void OwnRecords::tell_unreadable(const PackedRecord& packed) {
  say(*packed.tenant, packed.ticks, Level::kError,
      "unreadable record at position " + std::to_string(packed.position) + " of lane " +
          std::to_string(packed.lane),
      true);
}

/// More than all threads together can have dropped since there is the bus. Of those beyond it nothing is
/// known.
std::uint64_t OwnRecords::most_drops() const noexcept {
  if (!segment_.of_this_boot()) return std::numeric_limits<std::uint64_t>::max();
  return clock_ns(CLOCK_MONOTONIC) - segment_.preamble().created_monotonic_ns;
}

/// Once a tenant: who has written over a counter may do so all day.
void OwnRecords::tell_absurd(std::uint32_t lane, std::uint64_t ticks, bool of_frame) {
  const Tenant& tenant = tenants_.of_lane(lane);
  if (std::exchange(absurd_[lane], tenant.word + 1) == tenant.word + 1) return;
  say(tenant, ticks, Level::kError,
      "the drop counters of lane " + std::to_string(lane) + " make no sense: how many are lost is not known",
      of_frame);
}

void OwnRecords::tell_drops(std::uint32_t lane, const std::uint64_t (&dropped)[kSeverities],
                            std::uint64_t first, std::uint64_t last, std::uint64_t ticks, bool of_frame) {
  std::uint64_t total = 0;
  bool absurd = false;
  std::string by_level;
  const std::uint64_t(&reported)[kSeverities] = merge_.reported(lane);
  for (std::size_t s = 0; s < kSeverities; ++s) {
    const std::uint64_t loss = dropped[s] - reported[s];
    if (loss == 0) continue;
    // A gap of before what the line has told. The line's own counters never go back, and nobody drops faster
    // than a record a nanosecond: what has been written over them is no loss, but is taken as told, or the
    // lane could never be let again.
    if (of_frame && dropped[s] < reported[s]) continue;
    if (dropped[s] < reported[s] || loss > most_drops()) {
      absurd = true;
      if (!of_frame) merge_.take_as_told(lane, s, dropped[s]);
      continue;
    }
    total += loss;
    by_level += (by_level.empty() ? "" : ", ") + std::to_string(loss) + " " + severity_name(s);
  }
  if (absurd) tell_absurd(lane, ticks, of_frame);
  if (total == 0) return;
  Own& own = say(tenants_.of_lane(lane), ticks, Level::kWarning,
                 std::to_string(total) + " records dropped between " + clock_text(clock_.to_ns(first)) +
                     " and " + clock_text(clock_.to_ns(last)) + ": " + by_level,
                 of_frame);
  own.record.extra.emplace_back("dropped", static_cast<std::int64_t>(total));
  own.lane = lane;
  own.drops = total;
  std::copy(std::begin(dropped), std::end(dropped), own.dropped);
}

void OwnRecords::tell_overwritten(std::uint32_t lane, std::uint64_t count, std::uint64_t ticks,
                                  bool of_frame) {
  if (count == 0) return;
  tenants_.forget(lane);  // a new name may have been among them
  Own& own = say(tenants_.of_lane(lane), ticks, Level::kWarning,
                 std::to_string(count) + " records dropped: overwritten before they were read", of_frame);
  own.record.extra.emplace_back("dropped", static_cast<std::int64_t>(count));
  own.lane = lane;
  own.overwritten = count;
}

void OwnRecords::tell_damage() {
  say(Tenant(), read_ticks(segment_.preamble().clock_source), Level::kError,
      segment_.path() +
          " has been truncated or overwritten: what was not read of the lost part is lost, workers go to "
          "another one",
      false);
}

void OwnRecords::tell_untold() {
#ifndef LOGBUS_MUTANT_TELL_AGAIN
  // What waits, or has just been handled, would be told again.
  if (!records_.empty() || taken_.lane != kNone || taken_.slot.index != kNone) return;
#endif
  const std::uint64_t now = read_ticks(segment_.preamble().clock_source);
  for (const std::uint32_t lane : merge_.lanes_with_untold_drops()) {
    const ProducerLine& line = segment_.producer_line(lane);
    std::uint64_t dropped[kSeverities];
    for (std::size_t s = 0; s < kSeverities; ++s)
      dropped[s] = line.dropped[s].load(std::memory_order_acquire);
    tell_drops(lane, dropped, line.gap_first_ticks.load(std::memory_order_relaxed),
               line.gap_last_ticks.load(std::memory_order_relaxed), now, false);
    tell_overwritten(lane, merge_.untold_losses(lane), now, false);
  }
  std::size_t room = shm::kJournalSlots - slot_reports_.size();
  for (std::uint32_t i = 0; i < segment_.slots() && room != 0; ++i) {
    const shm::ProcessSlot& slot = segment_.slot(i);
    const std::uint64_t word = slot.word.load(std::memory_order_relaxed);
    if (slot_state(word) == SlotState::kFree) continue;
    std::uint64_t lost = 0;
    for (const Word64& count : slot.dropped_no_lane) lost += count.load(std::memory_order_relaxed);
    const std::uint64_t before = told(i, word);
    if (lost == before) continue;
    told_[i] = {i, word, lost};
    --room;
    if (lost < before || lost - before > most_drops()) {
      // Written over: no loss, but taken as told, or the slot could never be let again.
      slot_reports_.push_back(told_[i]);
      continue;
    }
    say(tenants_.of_slot(i), now, Level::kWarning,
        std::to_string(lost - before) + " records dropped by threads without a lane", false)
        .slot = told_[i];
  }
  for (const auto& [lane, position] : merge_.take_quarantined())
    say(tenants_.of_lane(lane), now, Level::kError,
        "lane " + std::to_string(lane) + " makes no sense at position " + std::to_string(position) +
            ": left unread until its thread has gone",
        false);
}

}  // namespace logbus::consumer
