// SPDX-License-Identifier: MIT
// What this process is called in records.
#pragma once

#include <string>

namespace logbus::producer {

/// basic_config()'s, else $LOGBUS_PROCESS_NAME, else the executable's name.
std::string process_name();

}  // namespace logbus::producer
