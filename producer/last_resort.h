// SPDX-License-Identifier: MIT
// Where records go that no handler takes.
#pragma once

#include <logbus/handler.h>

namespace logbus::producer {

/// WARNING and above on stderr, the message alone. Source: logging.lastResort.
Handler& last_resort();

}  // namespace logbus::producer
