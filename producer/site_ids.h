// SPDX-License-Identifier: MIT
// The process's table of the ids that its call sites have on the bus.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <logbus/detail/format_string.h>
#include <logbus/detail/hot_thread.h>

#include "shm/segment.h"

namespace logbus::producer {

struct SiteTable {
  const detail::SiteEntry* entries;
  std::uint64_t mask;
};

/// The table for this segment: the last one's, if the segment is the same (a forked child keeps its parent's
/// ids).
SiteTable site_table_of(const shm::Segment& segment) noexcept;

/// What wire::decode_site() reads, into `to`, without allocating: a signal handler's record is often the
/// first of its site. The size, or 0 if it doesn't fit.
std::size_t encode_site(const detail::LoggerGate& logger, int levelno, const detail::CallSite& site,
                        std::span<char> to) noexcept;

/// The site's id on the bus of the thread's lane, interning it if need be; 0: the bus has no room for it, or
/// there is no memory. Brings hot_thread's table up to date.
std::uint32_t site_id(const shm::Segment& segment, std::uint64_t key, const detail::LoggerGate& logger,
                      int levelno, const detail::CallSite& site) noexcept;

}  // namespace logbus::producer
