// SPDX-License-Identifier: MIT
// logging.NullHandler.
#include <logbus/null_handler.h>

#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {

void read_null_handler(HandlerReading& reading) {
  reading.settings.make = [](const Making&) { return std::make_shared<NullHandler>(); };
}

}  // namespace logbus::sidecar
