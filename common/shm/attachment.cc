// SPDX-License-Identifier: MIT
// Claiming a process slot (FORMAT.md, "Slots and lanes").
#include "shm/attachment.h"

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

template <std::size_t N>
void copy_text(char (&to)[N], std::string_view from) noexcept {
  const std::size_t n = std::min(from.size(), N - 1);
  std::memcpy(to, from.data(), n);
  std::memset(to + n, 0, N - n);
}

/// The slot's lock is held by us. What an earlier owner left is cleaned first; false: it has undrained lanes.
bool take_slot(const Segment& segment, std::uint32_t index, bool weak) {
  ProcessSlot& slot = segment.slot(index);
  const std::uint64_t word = slot.word.load(std::memory_order_acquire);
  if (slot_state(word) == SlotState::kFree) return true;
  // Where our own lock needs no descriptor, nobody's does, whatever the slot says.
  return (!weak || owner_proven_dead(slot)) && clean_slot(segment, index, true);
}

void fill_slot(const Segment& segment, ProcessSlot& slot, std::string_view process_name,
               std::uint32_t flags) {
  const std::uint64_t generation = slot_generation(slot.word.load(std::memory_order_relaxed)) + 1;
  const base::ProcessIdentity self = base::process_identity();
  // First what a weak slot's death is proven by.
  slot.pid.store(static_cast<std::uint32_t>(self.pid), std::memory_order_relaxed);
  slot.pid_namespace.store(self.pid_namespace, std::memory_order_relaxed);
  slot.flags.store(flags, std::memory_order_relaxed);
  // Release: those who see CLAIMING see the wiped slot, and the lines above. From here on a death is cleaned
  // through the free lock.
  slot.word.store(pack_slot(SlotState::kClaiming, generation), std::memory_order_release);
  slot.uid.store(self.uid, std::memory_order_relaxed);
  slot.start_time.store(self.start_time, std::memory_order_relaxed);
  slot.attach_ticks.store(read_ticks(segment.preamble().clock_source), std::memory_order_relaxed);
  slot.attach_realtime_ns.store(clock_ns(CLOCK_REALTIME), std::memory_order_relaxed);
  copy_text(slot.executable, self.executable);
  copy_text(slot.process_name, process_name.empty()
                                   ? std::string_view(self.executable).substr(self.executable.rfind('/') + 1)
                                   : process_name);
  // Release: LIVE publishes the identity above.
  slot.word.store(pack_slot(SlotState::kLive, generation), std::memory_order_release);
}

}  // namespace

Attachment::Attachment(Segment segment, std::string_view process_name)
    : segment_(std::move(segment)), fenced_(!base::membarrier_register()) {
  if (take_any_slot(process_name)) return;
  // On a bus of rings nobody is turned away because nobody reads.
  if (segment_.overwrites() && give_up_oldest_process(segment_) && take_any_slot(process_name)) return;
  throw Error(EAGAIN, "all " + std::to_string(segment_.slots()) + " process slots of bus " + segment_.path() +
                          " are taken");
}

bool Attachment::take_any_slot(std::string_view process_name) {
  // Slots never used or wiped first: those of dead processes stay readable for a while.
  for (const bool fresh_only : {true, false}) {
    for (std::uint32_t i = 0; i < segment_.slots(); ++i) {
      const bool fresh =
          slot_state(segment_.slot(i).word.load(std::memory_order_relaxed)) == SlotState::kFree;
      if (fresh != fresh_only) continue;
      LifeLock lock = LifeLock::try_take(segment_, kSlotLockBase + i);
      if (!lock.held() || !take_slot(segment_, i, lock.weak())) continue;
      life_ = std::move(lock);
      slot_index_ = i;
      fill_slot(segment_, slot(), process_name, (life_.weak() ? kSlotWeak : 0) | (fenced_ ? kSlotFenced : 0));
      return true;
    }
  }
  return false;
}

std::unique_ptr<Attachment> Attachment::attach(const BusOptions& options, std::string_view process_name) {
  for (int round = 0; round < 16; ++round) {
    Segment segment = Segment::open(options, Segment::Role::kWorker);
    try {
      std::unique_ptr<Attachment> attachment(new Attachment(std::move(segment), process_name));
      // Between open and claim the bus may have been replaced or removed: nobody would drain us there.
      if (attachment->segment().is_current() && !attachment->segment().is_retired()) return attachment;
    } catch (const Error& e) {
      if (e.code() != ESTALE) throw;
    }
  }
  throw Error(EBUSY, "can't attach to " + bus_path(options) + ": its name keeps changing");
}

Attachment::~Attachment() {
  clean_slot(segment_, slot_index_, true);
}

void Attachment::set_process_name(std::string_view name) noexcept {
  copy_text(slot().process_name, name);
}

}  // namespace logbus::shm
