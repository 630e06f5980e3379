// SPDX-License-Identifier: MIT
// What a sidecar finds: configurations, and what workers have left.
#pragma once

#include <string>

#include "stage.h"

namespace logbus::kill_points {

std::string path_of(const Stage& stage, const std::string& name);

// Configurations. Each has all.log, with all records.
/// So many that none has much room in the journal.
std::string many_files(const Stage& stage);
std::string one_file(const Stage& stage);
std::string moved_file(const Stage& stage);
/// Several files in a batch, two handlers of one file, a file that is moved away, records for no file.
std::string several_files(const Stage& stage);
/// A file that begins with a byte order mark, once it is there.
std::string encoded(const Stage& stage);
std::string rotating(const Stage& stage);
std::string rotating(const Stage& stage, int many, int few);
std::string timed(const Stage& stage);
/// The same, and what a full disk refuses stays in the bus.
std::string holding(std::string configuration);
/// One that is loaded again, changed.
std::string before_reload(const Stage& stage);
std::string after_reload(const Stage& stage);

/// Two more dead workers.
void leave_records(const Stage& stage);
void leave_several(const Stage& stage);
/// One that fills pages.
void leave_pages(const Stage& stage);
/// The same, and a file of long ago, which is to be rotated at once, with those that were before it.
void leave_old_file(const Stage& stage);
/// A lane that grew, dropped, was read, went on with a gap and dropped again. With little_memory().
void leave_drops(const Stage& stage);
void little_memory(shm::BusOptions& options);
/// A lane that has overwritten the most of its records. With ring().
void leave_overwritten(const Stage& stage);
void ring(shm::BusOptions& options);
/// Records that have no room where the journal has memory. With larger_lanes().
void leave_large_records(const Stage& stage);
void larger_lanes(shm::BusOptions& options);
/// Of many steps. With large_lanes().
void leave_long_lane(const Stage& stage);
void large_lanes(shm::BusOptions& options);
/// The same by a worker that lives until it is told to stop. With little_left().
void hold_long_lane(const Stage& stage);
void little_left(shm::BusOptions& options);
/// A worker that logs, is there until it is told to stop, and logs again.
void live_on(const Stage& stage);

}  // namespace logbus::kill_points
