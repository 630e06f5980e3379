// SPDX-License-Identifier: MIT
// This process's place on the bus: attached on first use, afresh in a forked child, again after the bus was
// replaced.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include <logbus/handler.h>

#include "shm/attachment.h"
#include "shm/options.h"

namespace logbus::producer {

/// What basic_config() decided. Immutable once set; an older one is never destroyed, others may be reading
/// it.
struct BusConfig {
  shm::BusOptions options;
  std::string process_name;           // "": the executable's
  bool may_wait = true;               // if the bus's policy is to block
  std::shared_ptr<Handler> fallback;  // shared: handlers are. Takes the records while there is no bus
  const BusConfig* older = nullptr;   // the one before
};

/// An attachment and the number of lanes that threads have on it: whoever gives back the last lane of a bus
/// that has been left destroys the attachment, which frees the slot.
struct Membership {
  std::unique_ptr<shm::Attachment> attachment;
  std::atomic<std::uint32_t> users{1};  // one for being the current one
  Membership* older = nullptr;          // all that there ever were stay reachable: leak checkers look
};

/// Process-wide words in memory that a forked child finds zeroed: it is nobody's member and holds no lock.
struct ProcessState {
  std::atomic<Membership*> member;
  std::atomic<std::uint64_t> retry_at_ns;
  std::atomic<std::uint32_t> attaching;   // a thread is at it
  std::atomic<std::uint32_t> sites_lock;  // see site_ids.cc
  std::atomic<std::uint32_t> pool_lock;   // see thread_lane.cc
  void* free_threads;                     // under pool_lock
  std::atomic<int> told_error;            // errno of the last complaint, so that each is told once
};

/// Null without memory.
ProcessState* process_state() noexcept;

const BusConfig* bus_config() noexcept;
void set_bus_config(std::unique_ptr<BusConfig> config) noexcept;

/// The current bus with one more user, attaching if need be (at most one try a second); null: there is none
/// now.
Membership* join() noexcept;
/// The same at once, for set-up. Throws Error.
void attach_now();
/// One more user of that one. False: it has no users left, or is null.
bool join(Membership* membership) noexcept;
void leave(Membership* membership) noexcept;
/// Whether this is what join() would give now.
bool is_current(const Membership* membership) noexcept;
/// The bus was replaced: the next join() attaches by name. Does nothing if another thread was faster.
void forsake(Membership* membership) noexcept;

/// Drops that could not be counted in a lane, for want of one.
void count_lost(Membership& membership, std::size_t severity, std::uint32_t records = 1) noexcept;
/// Says on stderr that records are lost: the first time, then once a minute.
void tell_loss(const Membership& membership) noexcept;

/// A lock that gives up: a signal handler may have interrupted its holder.
class TryLock {
 public:
  explicit TryLock(std::atomic<std::uint32_t>& word) noexcept
      // Acquire, and release below: what the last holder wrote is seen.
      : word_(word), held_(word.exchange(1, std::memory_order_acquire) == 0) {}
  ~TryLock() {
    if (held_) word_.store(0, std::memory_order_release);
  }
  TryLock(const TryLock&) = delete;
  TryLock& operator=(const TryLock&) = delete;
  explicit operator bool() const noexcept { return held_; }

 private:
  std::atomic<std::uint32_t>& word_;
  bool held_;
};

}  // namespace logbus::producer
