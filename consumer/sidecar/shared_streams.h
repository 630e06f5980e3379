// SPDX-License-Identifier: MIT
// Several handlers of one file or console.
#pragma once

#include <memory>
#include <vector>

#include <logbus/handler.h>

namespace logbus::sidecar {

/// Sees to it that handlers which write to the same file, by whatever name, keep the order of their records.
void share_streams(const std::vector<std::shared_ptr<Handler>>& handlers);

}  // namespace logbus::sidecar
