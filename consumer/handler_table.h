// SPDX-License-Identifier: MIT
// The handlers' counters in shared memory, where `logbus stat` reads them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <logbus/detail/layout.h>
#include <logbus/handler.h>

namespace logbus::consumer {

/// Writes the table anew: the first kMaxHandlers of them. For the lease holder's threads, one at a time.
/// Waits for no handler that is at work.
void publish_handlers(const std::vector<std::shared_ptr<Handler>>& handlers,
                      detail::ConsumerControl& control) noexcept;

}  // namespace logbus::consumer
