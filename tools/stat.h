// SPDX-License-Identifier: MIT
// `logbus stat`: a bus in numbers, for people or for programs.
#pragma once

#include <string>

#include "shm/snapshot.h"
#include "tools/bus_statistics.h"

namespace logbus::tools {

/// A block of lines as wide as their content. All workers, or those that matter most of many.
std::string stat_text(const shm::Snapshot& snapshot, const BusStatistics& statistics, bool all_workers);

/// One object on one line; `workers` only if asked for.
std::string stat_json(const shm::Snapshot& snapshot, const BusStatistics& statistics, bool workers);

}  // namespace logbus::tools
