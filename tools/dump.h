// SPDX-License-Identifier: MIT
// `logbus dump`: what is in a bus's file, for people or for programs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>

#include "shm/snapshot.h"
#include "tools/record_filter.h"

namespace logbus::tools {

struct DumpOptions {
  bool json = false;
  // What to show; sites are left out unless asked for.
  bool bus = true, process = true, site = false, lane = true, record = true;
  std::optional<std::uint32_t> lane_number;
  std::string worker;  // process name; "": all
  std::optional<std::size_t> tail;
  RecordFilter filter;
  bool utc = false;
  bool color = false;
};

/// Reads `snapshot` (and its lanes) and writes to `out`. Never writes to the bus.
void dump(shm::Snapshot& snapshot, const DumpOptions& options, std::FILE* out);

}  // namespace logbus::tools
