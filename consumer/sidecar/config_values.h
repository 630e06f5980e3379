// SPDX-License-Identifier: MIT
// Values of a configuration that go into records as they are.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <logbus/log_record.h>

#include "sidecar/config_section.h"

namespace logbus::sidecar {

/// The value that Python's safe_load gives.
Value to_value(const Node& node);

/// The entries of the mapping under `key`; a key that is no string is an error.
Fields read_fields(Section& section, std::string_view key);

/// The list of strings under `key`.
std::optional<std::vector<std::string>> read_strings(Section& section, std::string_view key);

}  // namespace logbus::sidecar
