// SPDX-License-Identifier: MIT
// logging.handlers.RotatingFileHandler.
#include <logbus/rotating_file_handler.h>

#include <algorithm>
#include <cstdint>
#include <limits>

#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {

void read_rotating_file_handler(HandlerReading& reading) {
  const FileOptions options = read_file_options(reading);
  Section& section = reading.section;
  // As in Python, anything below one means none.
  constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::min();
  const std::int64_t max_bytes = std::max<std::int64_t>(
      section.integer("maxBytes", kAny, std::numeric_limits<std::int64_t>::max()).value_or(0), 0);
  const std::int64_t backup_count = std::max<std::int64_t>(
      section.integer("backupCount", kAny, std::numeric_limits<int>::max() - 1).value_or(0), 0);
  reading.settings.make = [=, attributes = read_line_attributes(reading)](const Making& making) {
    return attributes.apply(std::make_shared<RotatingFileHandler>(options_for(options, making),
                                                                  static_cast<std::uint64_t>(max_bytes),
                                                                  static_cast<unsigned>(backup_count)));
  };
}

}  // namespace logbus::sidecar
