// SPDX-License-Identifier: MIT
// The fields that a JsonFormatter's format names.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace logbus::formatters {

/// In order, by the rules of python-json-logger 4: whatever stands in `%(...)`, `{...}`, `$name` and `${...}`
/// (a spec or a conversion belongs to the name there), or between commas.
std::vector<std::string> field_names(std::string_view format, char style);

}  // namespace logbus::formatters
