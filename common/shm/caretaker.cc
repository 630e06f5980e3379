// SPDX-License-Identifier: MIT
// Sweeping and trimming (FORMAT.md, "Slots and lanes", "Laps and steps").
#include "shm/caretaker.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <logbus/detail/clock.h>
#include <logbus/error.h>
#include "base/kernel.h"
#include "base/process_identity.h"
#include "shm/lane_directory.h"

namespace logbus::shm {
namespace {

using namespace detail;

constexpr std::uint64_t kSweepIntervalNs = 100'000'000;
/// The kernel walks a list of all locks for each: with 1,000 of them 3 us, 6 us out of a sleep. So a few at a
/// time, and not with each pass.
constexpr std::uint64_t kLookIntervalNs = 10'000'000;
constexpr std::uint32_t kSlotsPerLook = 8;
constexpr std::uint64_t kIdleNs = 1'000'000'000;
/// A dead process's slot stays readable this long for those who ask who died.
constexpr std::uint64_t kEpitaphNs = 60'000'000'000;
/// How often the memory that the file has is held against what the step tables say, and what does not matter.
constexpr std::uint64_t kCountIntervalNs = 5'000'000'000;
constexpr std::uint64_t kHiddenBytes = 2 << 20;
/// No process's: a lane with this in its word is the lease holder's. (With the most lanes that a bus may have
/// it is the last slot; then that slot's lock is looked at once more.)
constexpr std::uint32_t kNoSlot = 0x3FFF;

std::uint64_t monotonic_ns() noexcept {
  return clock_ns(CLOCK_MONOTONIC);
}

}  // namespace

Caretaker::Caretaker(const Segment& segment, const BusOptions& options, const std::string& config_path)
    : segment_(segment),
      lease_(LifeLock::try_take(segment, kLeaseLock)),
      fd_(segment.reopen()),
      dead_(segment.slots()),
      memory_(segment.slots()),
      activity_(segment.lanes()) {
  ConsumerControl& control = segment_.consumer();
  if (!lease_.held())
    throw Error(EBUSY, "bus " + segment_.path() + " has a sidecar: pid " +
                           std::to_string(control.holder_pid.load(std::memory_order_relaxed)));
  if (!fd_) throw Error(ESTALE, segment_.path() + " has been replaced");
  apply(options);
  epoch_ = 1 + control.epoch.fetch_add(1, std::memory_order_relaxed);
  const base::ProcessIdentity self = base::process_identity();
  control.holder_pid.store(static_cast<std::uint32_t>(self.pid), std::memory_order_relaxed);
  control.holder_start_time.store(self.start_time, std::memory_order_relaxed);
  control.attached_realtime_ns.store(clock_ns(CLOCK_REALTIME), std::memory_order_relaxed);
  const std::size_t n = std::min(config_path.size(), sizeof control.config_path - 1);
  std::memcpy(control.config_path, config_path.data(), n);
  std::memset(control.config_path + n, 0, sizeof control.config_path - n);
  control.handler_count.store(0, std::memory_order_relaxed);
  control.holder_state.store(1, std::memory_order_release);  // the lines above are whole
  sweep_all();
}

void Caretaker::apply(const BusOptions& options) {
  // Best effort: the bus may be another user's, who shares it with our group.
  if (options.group != static_cast<gid_t>(-1) &&
      ::fchown(fd_.get(), static_cast<uid_t>(-1), options.group) != 0 && errno != EPERM)
    throw Error(errno, "can't give bus " + segment_.path() + " to group " + std::to_string(options.group));
  // Who may write to it no more can have it open still: see recover_journal().
  struct stat st = {};
  const bool marked = ::fstat(fd_.get(), &st) == 0 &&
                      ((st.st_mode & S_ISVTX) != 0 || ((st.st_mode & 022) != 0 && (options.mode & 022) == 0));
  if (::fchmod(fd_.get(), options.mode | (marked ? S_ISVTX : 0)) != 0 && errno != EPERM)
    throw Error(errno, "can't set permissions of bus " + segment_.path());
  ConsumerControl& control = segment_.consumer();
  control.policy.store(static_cast<std::uint32_t>(options.overflow), std::memory_order_relaxed);
  control.block_timeout_ns.store(static_cast<std::uint64_t>(options.block_timeout.count()),
                                 std::memory_order_relaxed);
  control.max_per_process_bytes.store(options.max_per_process, std::memory_order_relaxed);
  control.max_hold_ns.store(static_cast<std::uint64_t>(options.max_hold.count()), std::memory_order_relaxed);
  if (options.memory != 0) control.memory_bytes.store(options.memory, std::memory_order_relaxed);
}

Caretaker::~Caretaker() {
  if (!has_lease()) return;
  heartbeat();
  segment_.consumer().holder_state.store(2, std::memory_order_release);
}

void Caretaker::heartbeat() noexcept {
  // Readings of an earlier boot's clock are what the times of its records are made from.
  if (!segment_.of_this_boot()) return;
  ConsumerControl& control = segment_.consumer();
  control.heartbeat_ticks.store(read_ticks(segment_.preamble().clock_source), std::memory_order_relaxed);
  control.heartbeat_realtime_ns.store(clock_ns(CLOCK_REALTIME), std::memory_order_relaxed);
  control.heartbeat_monotonic_ns.store(monotonic_ns(), std::memory_order_relaxed);
}

bool Caretaker::any_worker() const noexcept {
  return base::is_locked(fd_.get(), kSlotLockBase, std::int64_t{segment_.slots()});
}

bool Caretaker::file_is_whole() const noexcept {
  struct stat st = {};
  const ConsumerControl& control = segment_.consumer();
  return !segment_.is_damaged() && ::fstat(fd_.get(), &st) == 0 &&
         static_cast<std::uint64_t>(st.st_size) >= segment_.preamble().file_size &&
         control.epoch.load(std::memory_order_relaxed) >= epoch_ &&
         segment_.shared().arena_top.load(std::memory_order_relaxed) != 0;
}

bool Caretaker::handover_requested() const noexcept {
  return segment_.consumer().handover_request.load(std::memory_order_acquire) == epoch_ &&
         base::is_locked(fd_.get(), kTakeoverLock, 1);
}

bool Caretaker::memory_is_short() const noexcept {
  if (segment_.overwrites()) return false;  // rings take what they can get
  const auto all =
      static_cast<std::int64_t>(segment_.consumer().memory_bytes.load(std::memory_order_relaxed));
  return segment_.shared().budget_left.load(std::memory_order_relaxed) < all / 4;
}

void Caretaker::look_after() {
  now_ns_ = monotonic_ns();
  if (now_ns_ < next_look_ns_) return;
  next_look_ns_ = now_ns_ + kLookIntervalNs;
  if (now_ns_ >= next_sweep_ns_) {
    next_sweep_ns_ = now_ns_ + kSweepIntervalNs;
    heartbeat();
    sweep_lanes();
  }
  for (std::uint32_t checked = 0, i = 0; i < segment_.slots() && checked < kSlotsPerLook; ++i) {
    next_slot_ = next_slot_ + 1 < segment_.slots() ? next_slot_ + 1 : 0;
    if (slot_state(segment_.slot(next_slot_).word.load(std::memory_order_relaxed)) == SlotState::kFree)
      continue;
    check_slot(next_slot_);
    ++checked;
  }
}

void Caretaker::sweep_all() {
  now_ns_ = monotonic_ns();
  for (std::uint32_t slot = 0; slot < segment_.slots(); ++slot)
    if (slot_state(segment_.slot(slot).word.load(std::memory_order_relaxed)) != SlotState::kFree)
      check_slot(slot);
  heartbeat();
  sweep_lanes();
}

void Caretaker::sweep_lanes() {
  std::uint64_t used = 0;
  std::fill(memory_.begin(), memory_.end(), 0);
  for (std::uint32_t lane = 0; lane < segment_.lanes(); ++lane) {
    const std::uint64_t memory = look_after_lane(lane);
    const LaneWord tenant = unpack_lane(segment_.producer_line(lane).word.load(std::memory_order_relaxed));
    if (tenant.state != LaneState::kFree && tenant.slot < segment_.slots()) {
      memory_[tenant.slot] += memory;
      // A slot is free after its last lane. If not, its word has been written over: its lock tells the truth.
      if (slot_state(segment_.slot(tenant.slot).word.load(std::memory_order_relaxed)) == SlotState::kFree)
        check_slot(tenant.slot);
    }
    used += memory;
  }
  // The step tables are the truth; a writer's addition or subtraction in this moment is corrected by the next
  // sweep.
  for (std::uint32_t slot = 0; slot < segment_.slots(); ++slot)
    if (segment_.slot(slot).memory_bytes.load(std::memory_order_relaxed) != memory_[slot])
      segment_.slot(slot).memory_bytes.store(memory_[slot], std::memory_order_relaxed);
  const std::uint64_t all = segment_.consumer().memory_bytes.load(std::memory_order_relaxed);
  segment_.shared().budget_left.store(static_cast<std::int64_t>(all) - static_cast<std::int64_t>(used),
                                      std::memory_order_relaxed);
  if (now_ns_ >= next_count_ns_) reclaim_hidden_memory(used);
}

/// Memory of free lanes that no step speaks of: who wrote where he held nothing has left it there.
void Caretaker::reclaim_hidden_memory(std::uint64_t used) {
  next_count_ns_ = now_ns_ + kCountIntervalNs;
  if (segment_.overwrites()) return;  // a free ring may hold what nobody has read yet
  struct stat st = {};
  if (::fstat(fd_.get(), &st) != 0) return;
  const Preamble& p = segment_.preamble();
  const std::uint64_t arena =
      std::min(segment_.shared().arena_top.load(std::memory_order_relaxed), p.site_arena.size);
  const std::uint64_t known = p.site_arena.offset - p.journal_payload.size + arena + used + kHiddenBytes;
  if (static_cast<std::uint64_t>(st.st_blocks) * 512 <= known) return;
  for (std::uint32_t lane = 0; lane < segment_.lanes(); ++lane)
    if (unpack_lane(segment_.producer_line(lane).word.load(std::memory_order_acquire)).state ==
        LaneState::kFree)
      wipe_free_lane(lane);
}

/// And lets it again at once: a worker that comes now must not find all lanes taken.
void Caretaker::wipe_free_lane(std::uint32_t lane) noexcept {
  const ProducerLine& line = segment_.producer_line(lane);
  if (!take_over(lane, segment_.consumer_line(lane).read.load(std::memory_order_relaxed))) return;
  const std::uint64_t word = line.word.load(std::memory_order_relaxed);
  if (unpack_lane(word).slot == kNoSlot) (void)free_lane(segment_, lane, word);
}

void Caretaker::check_slot(std::uint32_t index) {
  Death& dead = dead_[index];
  // Reclaiming is claiming: whoever has the lock is the only one that cleans, and its owner is gone for good.
#ifndef LOGBUS_MUTANT_TEST_LOCK_THEN_RECLAIM
  const bool locked = base::try_lock_byte(fd_.get(), kSlotLockBase + index);
#else
  const bool locked = !base::is_locked(fd_.get(), kSlotLockBase + index, 1);
  if (locked) ::usleep(50);  // what a page fault would do
#endif
  if (!locked) {
    dead = {};
    return;
  }
  const ProcessSlot& slot = segment_.slot(index);
  const std::uint64_t word = slot.word.load(std::memory_order_acquire);
  // Where our own lock needs no descriptor, nobody's does, whatever the slot says.
  if (!segment_.of_this_boot() || !lease_.weak() || owner_proven_dead(slot)) {
    if (dead.since_ns == 0 || dead.word != word) dead = {now_ns_, word};
    (void)clean_slot(segment_, index, now_ns_ - dead.since_ns > kEpitaphNs);
  } else {
    dead = {};
  }
  base::unlock_byte(fd_.get(), kSlotLockBase + index);
}

std::uint64_t Caretaker::look_after_lane(std::uint32_t lane) {
  const ProducerLine& line = segment_.producer_line(lane);
  const ConsumerLine& reader = segment_.consumer_line(lane);
  const std::uint64_t word = line.word.load(std::memory_order_acquire);
  Activity& activity = activity_[lane];
  if (word == 0 && !activity.used) return 0;  // nobody has ever had it
  activity.used = true;
  const LaneWord tenant = unpack_lane(word);
  const LaneState state = tenant.state;
  // Nobody's, by a word that was written over: what is in it is read, and then it is let again.
  if (state > LaneState::kClosed || (state == LaneState::kOpen && tenant.slot >= segment_.slots())) {
    std::uint64_t expected = word;
    if (segment_.producer_line(lane).word.compare_exchange_strong(
            expected, pack({LaneState::kClosed, kNoSlot, tenant.tenancy}), std::memory_order_acq_rel,
            std::memory_order_relaxed))
      release_steps(segment_, lane);
  }
  const std::uint64_t committed = line.committed.load(std::memory_order_acquire);
  // Less than this in kIdleNs needs no more than the step it is written to.
  if (committed - activity.committed >= kFirstStepBytes) activity = {committed, now_ns_};
  if (state == LaneState::kClosed && reader.read.load(std::memory_order_relaxed) == committed) {
    std::uint64_t untold = 0;
    for (std::size_t i = 0; i < kSeverities; ++i)
      untold |= line.dropped[i].load(std::memory_order_relaxed) ^
                reader.reported[i].load(std::memory_order_relaxed);
    if (untold == 0) free_lane(segment_, lane, word);
  }
  const bool trim = state == LaneState::kFree || now_ns_ - activity.since_ns > kIdleNs || memory_is_short();
  // The first step of a living lane stays: it will be wanted at its next record.
  const std::uint32_t first = state == LaneState::kFree ? 0 : 1;
  std::uint64_t memory = 0;
  bool astray = false;
  for_each_step(segment_, lane, [&](std::uint32_t step, StepState was) {
    astray |= was > StepState::kPunching ||
              (state == LaneState::kFree && (was == StepState::kGrowing || was == StepState::kHeld));
    if (was == StepState::kPunching)
      finish_punching(lane, step);
    else if (was == StepState::kBacked && trim && step >= first)
      trim_step(lane, step);
    if (segment_.step_table(lane)[step].load(std::memory_order_relaxed) !=
        static_cast<std::uint8_t>(StepState::kHole))
      memory += step_end(step) - step_begin(step);
  });
  // Of a free lane nobody holds a step, unless it has been let this moment: then this fails.
  if (astray && !segment_.overwrites() && state == LaneState::kFree &&
      line.word.load(std::memory_order_acquire) == word)
    wipe_free_lane(lane);
  return memory;
}

bool Caretaker::take_over(std::uint32_t lane, std::uint64_t position) noexcept {
  ProducerLine& line = segment_.producer_line(lane);
  std::uint64_t word = line.word.load(std::memory_order_acquire);
  const std::uint64_t ours = pack({LaneState::kClosed, kNoSlot, unpack_lane(word).tenancy + 1});
  // From here on nobody claims it, and nobody but us frees it. We die: it is CLOSED, and the next holder goes
  // on.
  if (!line.word.compare_exchange_strong(word, ours, std::memory_order_acq_rel, std::memory_order_relaxed))
    return false;
  line.busy.store(0, std::memory_order_relaxed);
  for (Word64& origin : line.origin) origin.store(position, std::memory_order_relaxed);
  // Release: with the origins, for those who look.
  line.committed.store(position, std::memory_order_release);
  if (segment_.overwrites()) line.floor.store(position, std::memory_order_release);
  // Not step by step: there may be memory where they say that there is none.
  if (::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  static_cast<off_t>(segment_.lane_file_offset(lane)),
                  static_cast<off_t>(segment_.lane_size())) == 0) {
    for (std::uint32_t step = 0; step < segment_.steps(); ++step)
      segment_.step_table(lane)[step].store(static_cast<std::uint8_t>(StepState::kHole),
                                            std::memory_order_release);
  } else {
    release_steps(segment_, lane);
  }
  return true;
}

void Caretaker::trim_step(std::uint32_t lane, std::uint32_t step) {
  StepWord& word = segment_.step_table(lane)[step];
  auto state = static_cast<std::uint8_t>(StepState::kBacked);
  if (word.load(std::memory_order_relaxed) != state) return;
#if defined(LOGBUS_MUTANT_PUNCH_NOT_EXCLUSIVE)
  if (!has_unread(lane, step)) punch(lane, step);
#elif defined(LOGBUS_MUTANT_UNREAD_BEFORE_STEP)
  const bool unread = has_unread(lane, step);
  ::usleep(20);  // what being preempted would do
  if (!unread && word.compare_exchange_strong(state, static_cast<std::uint8_t>(StepState::kPunching),
                                              std::memory_order_acq_rel))
    punch(lane, step);
#else
  // Acq_rel: exclusive against the writer, which takes BACKED steps by CAS too. Only now may `committed` be
  // looked at: a writer that had the step before has let it go before, and what it wrote there is committed.
  if (!word.compare_exchange_strong(state, static_cast<std::uint8_t>(StepState::kPunching),
                                    std::memory_order_acq_rel, std::memory_order_relaxed))
    return;
  const LaneWord tenant = unpack_lane(segment_.producer_line(lane).word.load(std::memory_order_relaxed));
  if (step == 0 && tenant.state != LaneState::kFree)  // let in the meantime: its tenant wants it at once
    word.store(static_cast<std::uint8_t>(StepState::kBacked), std::memory_order_release);
  else
    finish_punching(lane, step);
#endif
}

/// A PUNCHING step, also one left by a lease holder or a grower that died: back to BACKED if unread bytes lie
/// in it, else its memory goes.
void Caretaker::finish_punching(std::uint32_t lane, std::uint32_t step) {
  if (has_unread(lane, step))
    segment_.step_table(lane)[step].store(static_cast<std::uint8_t>(StepState::kBacked),
                                          std::memory_order_release);
  else
    punch(lane, step);
}

bool Caretaker::has_unread(std::uint32_t lane, std::uint32_t step) const noexcept {
  const ProducerLine& line = segment_.producer_line(lane);
  // A free lane has been read to its end, whatever its positions say (a ring need not have been). Who claims
  // it now can't have this step.
  if (!segment_.overwrites() &&
      unpack_lane(line.word.load(std::memory_order_acquire)).state == LaneState::kFree)
    return false;
  // A ring's writer starts laps while we look: only what was read under one floor belongs together.
  const std::uint64_t floor = line.floor.load(std::memory_order_acquire);
  const std::uint64_t committed = line.committed.load(std::memory_order_acquire);
  const std::uint64_t a = line.origin[0].load(std::memory_order_relaxed);
  const std::uint64_t b = line.origin[1].load(std::memory_order_relaxed);
  const std::uint64_t newest = std::max(a, b);
  const std::uint64_t older = std::min(a, b);
  std::atomic_thread_fence(std::memory_order_acquire);
  if (line.floor.load(std::memory_order_relaxed) != floor) return true;  // for all we know
  // Our own word; of a ring, less what has been overwritten.
  const std::uint64_t read =
      std::max(segment_.consumer_line(lane).read.load(std::memory_order_relaxed), floor);
  const auto meets = [step](std::uint64_t begin, std::uint64_t end) {
    return begin < end && begin < step_end(step) && step_begin(step) < end;
  };
  return read >= newest ? meets(read - newest, committed - newest)
                        : meets(read - older, newest - older) || meets(0, committed - newest);
}

void Caretaker::punch(std::uint32_t lane, std::uint32_t step) {
  StepWord& word = segment_.step_table(lane)[step];
  const std::uint64_t bytes = step_end(step) - step_begin(step);
  if (::fallocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                  static_cast<off_t>(segment_.lane_file_offset(lane) + step_begin(step)),
                  static_cast<off_t>(bytes)) != 0) {
    word.store(static_cast<std::uint8_t>(StepState::kBacked), std::memory_order_release);
    return;
  }
  segment_.shared().budget_left.fetch_add(static_cast<std::int64_t>(bytes), std::memory_order_relaxed);
  const LaneWord tenant = unpack_lane(segment_.producer_line(lane).word.load(std::memory_order_relaxed));
  if (tenant.state != LaneState::kFree && tenant.slot < segment_.slots())
    segment_.slot(tenant.slot).memory_bytes.fetch_sub(bytes, std::memory_order_relaxed);
  word.store(static_cast<std::uint8_t>(StepState::kHole), std::memory_order_release);
}

}  // namespace logbus::shm
