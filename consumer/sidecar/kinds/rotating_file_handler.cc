// SPDX-License-Identifier: MIT
// logging.handlers.RotatingFileHandler.
#include <logbus/rotating_file_handler.h>

#include <cstdint>
#include <limits>

#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {

void read_rotating_file_handler(HandlerReading& reading) {
  const FileOptions options = read_file_options(reading);
  Section& section = reading.section;
  const std::int64_t max_bytes =
      section.integer("maxBytes", 0, std::numeric_limits<std::int64_t>::max()).value_or(0);
  const std::int64_t backup_count =
      section.integer("backupCount", 0, std::numeric_limits<int>::max() - 1).value_or(0);
  reading.settings.make = [=, attributes = read_line_attributes(reading)](const Making& making) {
    return attributes.apply(std::make_shared<RotatingFileHandler>(options_for(options, making),
                                                                  static_cast<std::uint64_t>(max_bytes),
                                                                  static_cast<unsigned>(backup_count)));
  };
}

}  // namespace logbus::sidecar
