// SPDX-License-Identifier: MIT
// The handlers and the logger tree that a configuration describes, alive.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <logbus/handler.h>

#include "dispatcher.h"
#include "sidecar/config.h"

namespace logbus::sidecar {

struct Pipeline {
  /// The configuration's, in the order of construction. Shared with the tree.
  std::vector<std::shared_ptr<Handler>> handlers;
  /// For records that find no handler.
  std::shared_ptr<Handler> last_resort;
  std::unique_ptr<consumer::Dispatcher> dispatcher;
};

/// Opens what has to be opened. Throws Error that names the file that can't be.
Pipeline build_pipeline(const Configuration& configuration);

/// Flushes and closes the handlers, the last made first, as logging.shutdown() does. An error goes to the
/// handler.
void close_handlers(Pipeline& pipeline) noexcept;

}  // namespace logbus::sidecar
