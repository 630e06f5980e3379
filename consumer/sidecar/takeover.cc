// SPDX-License-Identifier: MIT
#include "sidecar/takeover.h"

#include <cerrno>
#include <csignal>
#include <optional>
#include <string>

#include <logbus/error.h>

#include "base/kernel.h"
#include "shm/segment.h"

namespace logbus::sidecar {
namespace {

// The lock is asked for this often.
constexpr timespec kPoll = {0, 5'000'000};

std::optional<shm::Segment> existing_bus(const shm::BusOptions& options) {
  try {
    return shm::Segment::open_existing(options, shm::Segment::Role::kSidecar);
  } catch (const Error& error) {
    // None, or of an earlier boot: nobody's.
    if (error.code() == ENOENT || error.code() == ESTALE) return std::nullopt;
    throw;
  }
}

// One pause between two looks; it ends with the program.
void rest() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  if (::sigtimedwait(&signals, nullptr, &kPoll) > 0)
    throw Error(EINTR, "stopped while another sidecar had the bus");
}

// False: the bus has another segment by now.
bool ask_and_wait(const shm::Segment& segment, std::chrono::steady_clock::time_point deadline) {
  const base::UniqueFd fd = segment.reopen();
  if (!fd) return false;
  if (!base::is_locked(fd.get(), shm::kLeaseLock, 1)) return true;
  // Until this goes, with us at the latest, the request is meant.
  const shm::LifeLock asking = shm::LifeLock::try_take(segment, shm::kTakeoverLock);
  if (!asking.held()) throw Error(EBUSY, "another sidecar is about to take over bus " + segment.path());
  shm::ConsumerControl& control = segment.consumer();
  while (base::is_locked(fd.get(), shm::kLeaseLock, 1)) {
    if (!segment.is_current()) return false;
    // Its number, so that the request dies with it. Again and again: its predecessor may have been asked
    // last.
    control.handover_request.store(control.epoch.load(std::memory_order_relaxed), std::memory_order_release);
    if (std::chrono::steady_clock::now() >= deadline)
      throw Error(EBUSY, "bus " + segment.path() + " has a sidecar that does not let go: pid " +
                             std::to_string(control.holder_pid.load(std::memory_order_relaxed)));
    rest();
  }
  return true;
}

}  // namespace

void take_over(const shm::BusOptions& options, std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    const std::optional<shm::Segment> segment = existing_bus(options);
    try {
      if (!segment || ask_and_wait(*segment, deadline)) return;
    } catch (const Error& error) {
      if (error.code() != ESTALE) throw;  // it has been replaced at this moment
    }
  }
}

}  // namespace logbus::sidecar
