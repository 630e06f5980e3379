// SPDX-License-Identifier: MIT
#include "sidecar/bus_handler.h"

namespace logbus::sidecar {

void BusHandler::emit(const LogRecord& record) {
  for (const std::shared_ptr<Handler>& handler : handlers_) {
    if (!respect_handler_level_ || record.levelno >= static_cast<int>(handler->level()))
      handler->handle(record);
  }
}

}  // namespace logbus::sidecar
