// SPDX-License-Identifier: MIT
// This process's place on the bus.
#include "producer/process.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <new>

#include <logbus/detail/clock.h>
#include <logbus/error.h>

#include "producer/complaint.h"
#include "producer/wiped_memory.h"

namespace logbus::producer {
namespace {

constexpr std::uint64_t kRetryAfterNs = 1'000'000'000;
constexpr std::uint64_t kLossLineEveryNs = 60'000'000'000;
/// How long a record waits for another thread that is attaching; slower than that is a stopped thread, or
/// this is a signal handler over it.
constexpr std::uint64_t kWaitForAttachNs = 200'000'000;

std::atomic<ProcessState*> state_page{nullptr};
std::atomic<const BusConfig*> config{nullptr};
std::atomic<Membership*> newest_membership{nullptr};
std::atomic<std::uint64_t> loss_line_at_ns{0};

std::uint64_t now_ns() noexcept {
  return detail::clock_ns(CLOCK_MONOTONIC);
}

/// The current membership with one more user. Null if there is none, or it has just been given up.
Membership* use_current(ProcessState& state) noexcept {
  Membership* member = state.member.load(std::memory_order_acquire);
  return join(member) ? member : nullptr;
}

/// Called with `attaching` held.
void attach(ProcessState& state, const BusConfig& to) {
  auto member = std::make_unique<Membership>();
  member->attachment = shm::Attachment::attach(to.options, to.process_name);
  member->older = newest_membership.load(std::memory_order_relaxed);
  newest_membership.store(member.get(), std::memory_order_relaxed);  // only one thread attaches
  // Release: threads that join see the attachment whole.
  state.member.store(member.release(), std::memory_order_release);
  if (state.told_error.exchange(0, std::memory_order_relaxed) != 0)
    complain("attached to " + shm::bus_path(to.options) + ": records go there from now on");
}

void tell_failure(ProcessState& state, const char* what, int code) noexcept {
  if (state.told_error.exchange(code == 0 ? -1 : code, std::memory_order_relaxed) == (code == 0 ? -1 : code))
    return;
  char line[900] = {};
  std::size_t size = 0;
  const auto add = [&](const char* text) {
    for (; *text != '\0' && size + 1 < sizeof line; ++text) line[size++] = *text;
  };
  add(what);
  add("; logging to stderr and trying again each second");
  complain({line, size});
}

void try_attach(ProcessState& state) noexcept {
  const BusConfig* to = bus_config();
  if (to == nullptr || now_ns() < state.retry_at_ns.load(std::memory_order_relaxed)) return;
  const TryLock lock(state.attaching);
  if (!lock) {
    const std::uint64_t deadline = now_ns() + kWaitForAttachNs;
    while (state.attaching.load(std::memory_order_acquire) != 0 && now_ns() < deadline) {
      const timespec pause{0, 100'000};
      ::nanosleep(&pause, nullptr);
    }
    return;
  }
  if (state.member.load(std::memory_order_acquire) != nullptr) return;
  try {
    attach(state, *to);
  } catch (const Error& error) {
    state.retry_at_ns.store(now_ns() + kRetryAfterNs, std::memory_order_relaxed);
    tell_failure(state, error.what(), error.code());
  } catch (...) {
    state.retry_at_ns.store(now_ns() + kRetryAfterNs, std::memory_order_relaxed);
    tell_failure(state, "can't attach to the bus: no memory", ENOMEM);
  }
}

}  // namespace

ProcessState* process_state() noexcept {
  ProcessState* state = state_page.load(std::memory_order_acquire);
  if (state != nullptr) return state;
  void* const page = wiped_on_fork(sizeof(ProcessState));
  if (page == nullptr) return nullptr;
  auto* made = new (page) ProcessState{};
  // Release: others see the page zeroed. Who loses the race gives its page back.
  if (state_page.compare_exchange_strong(state, made, std::memory_order_acq_rel)) return made;
  ::munmap(page, sizeof(ProcessState));
  return state;
}

const BusConfig* bus_config() noexcept {
  return config.load(std::memory_order_acquire);
}

void set_bus_config(std::unique_ptr<BusConfig> to) noexcept {
  to->older = bus_config();  // set-up is under a lock of its own
  config.store(to.release(), std::memory_order_release);
  ProcessState* state = process_state();
  if (state == nullptr) return;
  state->retry_at_ns.store(0, std::memory_order_relaxed);
  if (Membership* member = use_current(*state)) {
    forsake(member);
    leave(member);
  }
}

Membership* join() noexcept {
  ProcessState* state = process_state();
  if (state == nullptr) return nullptr;
  if (Membership* member = use_current(*state)) return member;
  try_attach(*state);
  return use_current(*state);
}

bool join(Membership* member) noexcept {
  if (member == nullptr) return false;
  std::uint32_t users = member->users.load(std::memory_order_relaxed);
  while (users != 0) {
    if (member->users.compare_exchange_weak(users, users + 1, std::memory_order_acquire,
                                            std::memory_order_relaxed))
      return true;
  }
  return false;
}

void attach_now() {
  ProcessState* state = process_state();
  if (state == nullptr) throw Error(ENOMEM, "can't attach to the bus: no memory");
  if (state->member.load(std::memory_order_acquire) != nullptr) return;
  const TryLock lock(state->attaching);
  if (!lock) throw Error(EBUSY, "another thread is attaching to the bus");
  attach(*state, *bus_config());
}

void leave(Membership* member) noexcept {
  // Release and acquire: the last one to leave sees what the others did with it. The few bytes of the
  // Membership stay: another thread may be about to find that it has no users.
  if (member->users.fetch_sub(1, std::memory_order_acq_rel) == 1) member->attachment.reset();
}

bool is_current(const Membership* member) noexcept {
  return process_state()->member.load(std::memory_order_relaxed) == member;
}

void forsake(Membership* member) noexcept {
  ProcessState* state = process_state();
  Membership* current = member;
  if (!state->member.compare_exchange_strong(current, nullptr, std::memory_order_acq_rel)) return;
  if (const shm::Segment& segment = member->attachment->segment(); segment.is_damaged())
    complain(segment.path() + " has been truncated: records that lay in the lost part only are lost");
  leave(member);
}

void count_lost(Membership& member, std::size_t severity, std::uint32_t records) noexcept {
  // Relaxed: a count for people and for the final report.
  member.attachment->slot().dropped_no_lane[severity].fetch_add(records, std::memory_order_relaxed);
}

void tell_loss(const Membership& member) noexcept {
  const std::uint64_t now = now_ns();
  std::uint64_t next = loss_line_at_ns.load(std::memory_order_relaxed);
  // Of threads that lose at once, one tells.
  if (now < next ||
      !loss_line_at_ns.compare_exchange_strong(next, now + kLossLineEveryNs, std::memory_order_relaxed))
    return;
  char line[512] = {};
  std::size_t size = 0;
  const auto add = [&](std::string_view text) {
    const std::size_t n = std::min(text.size(), sizeof line - size);
    std::memcpy(line + size, text.data(), n);
    size += n;
  };
  add(member.attachment->segment().path());
  add(": records are being dropped, there is no room for them; they are counted (is logbusd running?)");
  complain({line, size});
}

}  // namespace logbus::producer
