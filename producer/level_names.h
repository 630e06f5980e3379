// SPDX-License-Identifier: MIT
// Level names, asked for in a way that a forked child can rely on.
#pragma once

#include <string>

namespace logbus::producer {

/// get_level_name() under a lock that is held over fork(), so that a child never finds the table's own lock
/// taken by a thread that it doesn't have. May throw std::bad_alloc.
std::string level_name(int levelno);

}  // namespace logbus::producer
