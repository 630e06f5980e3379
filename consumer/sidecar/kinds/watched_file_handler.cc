// SPDX-License-Identifier: MIT
// logging.handlers.WatchedFileHandler.
#include <logbus/watched_file_handler.h>

#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {

void read_watched_file_handler(HandlerReading& reading) {
  const FileOptions options = read_file_options(reading);
  reading.settings.make = [options, attributes = read_line_attributes(reading)](const Making& making) {
    return attributes.apply(std::make_shared<WatchedFileHandler>(options_for(options, making)));
  };
}

}  // namespace logbus::sidecar
