// SPDX-License-Identifier: MIT
// Several handlers of one file or console.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <logbus/handler.h>

namespace logbus::sidecar {

/// Sees to it that handlers which write to the same file, by whatever name, keep the order of their records.
/// What is to be done with each is left to `act`: it takes the handler's lock.
void share_streams(const std::vector<std::shared_ptr<Handler>>& handlers,
                   const std::function<void(const std::shared_ptr<Handler>&, std::function<void()>)>& act);

}  // namespace logbus::sidecar
