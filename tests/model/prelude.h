// SPDX-License-Identifier: MIT
// Included before everything else (-include): from here on the bus's sources are compiled against the
// machine.
//
// The sources are those of the bus, not a line of them is changed. What they do to memory that others see
// goes to machine.h: atomics, fences, the copies into and out of a lane, the clock. What is replaced here is
// replaced by name, after the standard's headers, which must not see it.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "machine.h"

namespace std {

template <class T>
using model_atomic = logbus::model::Atomic<T>;
inline void model_fence(std::memory_order order) {
  // Where stores overtake each other, one that releases keeps them in order: more than it must, a full one.
  const bool orders_stores = order != std::memory_order_acquire && order != std::memory_order_relaxed &&
                             logbus::model::settings().model == logbus::model::Model::kPso;
  if (order == std::memory_order_seq_cst || orders_stores) logbus::model::fence();
}
inline void* model_memcpy(void* to, const void* from, std::size_t size) {
  return logbus::model::copy(to, from, size);
}

}  // namespace std

#define atomic model_atomic
#define atomic_thread_fence model_fence
#define memcpy model_memcpy

#include <logbus/detail/clock.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

std::uint64_t model_ticks(ClockSource) noexcept;
std::uint64_t model_ns(clockid_t) noexcept;

}  // namespace detail
}  // namespace abi1
}  // namespace logbus

int model_fallocate(int fd, int mode, off_t offset, off_t size);
inline void model_usleep(useconds_t) {}  // the machine needs no help to stop a thread

#define read_ticks model_ticks
#define clock_ns model_ns
#define fallocate model_fallocate
#define usleep model_usleep
