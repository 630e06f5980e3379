// SPDX-License-Identifier: MIT
// Well-known classes of Python's world that a configuration may name and no sidecar can run.
#pragma once

#include <string>
#include <string_view>

namespace logbus::sidecar {

/// "X is a Python class, which a sidecar can't run: use Y"; "" if nothing is known about `name`.
std::string python_class_advice(std::string_view name);

}  // namespace logbus::sidecar
