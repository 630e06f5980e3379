// SPDX-License-Identifier: MIT
// The keys of the JSON formatters.
#pragma once

#include <memory>
#include <string_view>

#include <logbus/json_formatter.h>

#include "sidecar/config_section.h"

namespace logbus::sidecar {

/// Reads what a JsonFormatter has beyond other formatters. `as_factory`: the section says `()`;
/// python-json-logger gets its own options no other way.
void read_json_options(Section& section, bool as_factory, JsonFormatterOptions& options);

}  // namespace logbus::sidecar
