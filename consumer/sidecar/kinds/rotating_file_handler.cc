// SPDX-License-Identifier: MIT
// logging.handlers.RotatingFileHandler, and the attributes that all rotating handlers have.
#include <logbus/rotating_file_handler.h>

#include <cstdint>
#include <limits>
#include <string_view>

#include <logbus/rotation.h>

#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {

RotatingAttributes read_rotating_attributes(HandlerReading& reading) {
  RotatingAttributes attributes{read_line_attributes(reading), nullptr, nullptr, reading.bus.compatibility};
  Section& section = reading.attributes;
  constexpr std::string_view kSuffix = "suffix:";
  if (const Node* node = section.value("namer")) {
    const std::string_view text = node->is(Node::Kind::kString) ? std::string_view(node->text) : "";
    if (text.starts_with(kSuffix) && text.size() > kSuffix.size() && text.find('/') == text.npos) {
      attributes.namer = suffix_namer(std::string(text.substr(kSuffix.size())));
    } else {
      section.expected("namer", "\"suffix:\" and what is to be appended, such as \"suffix:.gz\"");
    }
  }
  if (const Node* node = section.value("rotator")) {
    if (node->is(Node::Kind::kString) && node->text == "gzip") {
      attributes.rotator = gzip_rotator();
    } else {
      section.expected("rotator", "\"gzip\"");
    }
  }
  return attributes;
}

void read_rotating_file_handler(HandlerReading& reading) {
  const FileOptions options = read_file_options(reading);
  Section& section = reading.section;
  // As in Python, anything below one means none.
  constexpr std::int64_t kAny = std::numeric_limits<std::int64_t>::min();
  const std::int64_t max_bytes = std::max<std::int64_t>(
      section.integer("maxBytes", kAny, std::numeric_limits<std::int64_t>::max()).value_or(0), 0);
  const std::int64_t backup_count = std::max<std::int64_t>(
      section.integer("backupCount", kAny, std::numeric_limits<int>::max() - 1).value_or(0), 0);
  reading.settings.make = [=, attributes = read_rotating_attributes(reading)](const Making& making) {
    return attributes.apply(std::make_shared<RotatingFileHandler>(options_for(options, making),
                                                                  static_cast<std::uint64_t>(max_bytes),
                                                                  static_cast<unsigned>(backup_count)));
  };
}

}  // namespace logbus::sidecar
