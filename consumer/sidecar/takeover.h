// SPDX-License-Identifier: MIT
// One sidecar hands the bus over to another.
#pragma once

#include <chrono>

#include "shm/options.h"

namespace logbus::sidecar {

/// Asks the sidecar that has the lease of the bus to let go, and waits until it has; returns at once if there
/// is none. Never by age, never by force: a holder that is stopped or hangs is named. Throws Error: EBUSY if
/// it has not let go by then, or if another one is waiting already; EINTR at SIGTERM or SIGINT, which are
/// blocked.
void take_over(const shm::BusOptions& options, std::chrono::steady_clock::time_point deadline);

}  // namespace logbus::sidecar
