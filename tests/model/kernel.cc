// SPDX-License-Identifier: MIT
// The kernel and the clocks, as the bus's sources see them here.
#include "kernel.h"

#include "base/kernel.h"

namespace logbus::model {
namespace {

std::uint64_t (*ticks_now)() = nullptr;
void (*punch_now)(std::uint64_t, std::uint64_t) = nullptr;

}  // namespace

void set_ticks(std::uint64_t (*ticks)()) {
  ticks_now = ticks;
}
void set_punch(void (*punch)(std::uint64_t, std::uint64_t)) {
  punch_now = punch;
}

}  // namespace logbus::model

int model_fallocate(int, int, off_t offset, off_t size) {
  logbus::model::punch_now(static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(size));
  return 0;
}

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

std::uint64_t model_ticks(ClockSource) noexcept {
  return model::ticks_now();
}
std::uint64_t model_ns(clockid_t) noexcept {
  return model::monotonic_ns;
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus

namespace logbus::base {

void futex_wait(const void* word, std::uint32_t expected, std::chrono::nanoseconds timeout) noexcept {
  if (timeout > std::chrono::minutes(1)) model::wait(word, expected);  // else it looks again by itself
}
void futex_wake(const void* word, int) noexcept {
  model::wake(word);
}
bool membarrier_global() noexcept {
  model::membarrier();
  return true;
}
bool try_lock_byte(int, std::int64_t) {
  return false;  // who has a lane here lives
}
bool unlock_byte(int, std::int64_t) noexcept {
  return true;
}
bool is_locked(int, std::int64_t, std::int64_t) noexcept {
  return true;
}

}  // namespace logbus::base
