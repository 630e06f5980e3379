// SPDX-License-Identifier: MIT
// A segment gets its name, and loses it.
#pragma once

#include <string>

#include "base/unique_fd.h"
#include "shm/options.h"

namespace logbus::shm {

/// Builds a segment whole, under no name, then links it into place. Somebody else was first: does nothing.
/// Throws Error naming the directory or path.
void create_segment(const BusOptions& options);

/// The sizes that a segment made now with these options would have. Throws Error as create_segment().
detail::Preamble wanted_layout(const BusOptions& options);

/// Builds a segment that is to take the bus's name from another, under a name of its own:
/// <bus>.<uuid>.retired, which the other one gets in exchange. Gives that path. Throws Error.
std::string create_successor(const BusOptions& options);

/// Both files exchange their names at once: whoever opens the bus finds one or the other. Throws Error.
void exchange_names(const std::string& path, const std::string& other);

/// <bus>.<uuid>.<suffix>, beside the bus's file `path`.
std::string name_beside(const std::string& path, const detail::Preamble& preamble, const std::string& suffix);

/// Renames the bus file to <name>.<uuid>.<suffix> if it still is the one that `fd` has open; gives the new
/// path, or
/// "" if somebody else was first.
std::string move_aside(const std::string& path, const base::UniqueFd& fd, const detail::Preamble& preamble,
                       const std::string& suffix);

/// move_aside() for whatever the name leads to now, a segment of an earlier boot.
void move_stale(const std::string& path);

/// move_aside(), as <bus>.<uuid>.damaged, for a segment that somebody has cut off: its workers could not go
/// on there. False: it is whole, or no segment of ours.
bool move_damaged(const std::string& path);

/// Retires the segment (its workers go to a new one) and unlinks it. False, and nothing done, if a worker or
/// a sidecar is attached and not `force`. Throws Error naming the path.
[[nodiscard]] bool remove_bus(const BusOptions& options, bool force);

}  // namespace logbus::shm
