// SPDX-License-Identifier: MIT
// The SIGBUS handler. Only calls that are safe in one: mmap, sigaction.
#include "shm/sigbus_guard.h"

#include <signal.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstdint>

#include <logbus/error.h>

namespace logbus::shm {
namespace {

// Changed only while nobody reads lanes.
std::uintptr_t data_begin = 0;
std::uintptr_t data_end = 0;
std::uintptr_t lane_bytes = 0;

void on_sigbus(int, siginfo_t* info, void*) {
  const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
  constexpr std::uintptr_t kPage = 4096;
  const std::uintptr_t page = at & ~(kPage - 1);
  if (at >= data_begin && at < data_end) {
    const std::uintptr_t lane_end = data_begin + ((at - data_begin) / lane_bytes + 1) * lane_bytes;
    if (::mmap(reinterpret_cast<void*>(page), lane_end - page, PROT_READ,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED)
      return;
  }
  struct sigaction fall_back = {};
  fall_back.sa_handler = SIG_DFL;
  ::sigaction(SIGBUS, &fall_back, nullptr);  // the instruction runs again and now it kills
}

}  // namespace

void guard_lane_data(const Segment& segment) {
  data_begin = reinterpret_cast<std::uintptr_t>(segment.lane_data(0));
  data_end = data_begin + segment.preamble().data.size;
  lane_bytes = segment.lane_size();
  struct sigaction action = {};
  action.sa_sigaction = on_sigbus;
  action.sa_flags = SA_SIGINFO;
  if (::sigaction(SIGBUS, &action, nullptr) != 0) throw Error(errno, "can't handle SIGBUS");
}

}  // namespace logbus::shm
