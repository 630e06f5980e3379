// SPDX-License-Identifier: MIT
// logging.handlers.MemoryHandler, and BufferingHandler, which it is one of.
#include <logbus/memory_handler.h>

#include <algorithm>
#include <limits>

#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {
namespace {

std::optional<std::int64_t> integer(Section& section, std::string_view key) {
  return section.integer(key, std::numeric_limits<std::int64_t>::min(), Section::kUnbounded);
}

// What Python stumbles over when the handler is made, or at the first record.
void refuse_null(Section& section, std::string_view key, std::string_view what) {
  const Node* node = section.find(key);
  if (node != nullptr && node->is(Node::Kind::kNull)) section.expected(key, what);
}

// 0: every record is one too many.
std::size_t read_capacity(HandlerReading& reading) {
  Section& section = reading.section;
  if (section.find("capacity") == nullptr)
    section.diagnostics().error(section.place(), "the key 'capacity' is missing");
  refuse_null(section, "capacity", "an integer");
  std::int64_t capacity = integer(section, "capacity").value_or(0);
  capacity = integer(reading.attributes, "capacity").value_or(capacity);
  return static_cast<std::size_t>(std::max<std::int64_t>(capacity, 0));
}

}  // namespace

void read_buffering_handler(HandlerReading& reading) {
  const std::size_t capacity = read_capacity(reading);
  reading.section.diagnostics().warning(reading.section.place(), "it forgets its records and writes none");
  reading.settings.make = [capacity](const Making&) { return std::make_shared<BufferingHandler>(capacity); };
}

void read_memory_handler(HandlerReading& reading) {
  Section& section = reading.section;
  const std::size_t capacity = read_capacity(reading);
  refuse_null(section, "flushLevel", "a level (a name such as INFO, or an integer)");
  Level flush_level = section.level("flushLevel").value_or(Level::kError);
  flush_level = reading.attributes.level("flushLevel").value_or(flush_level);
  bool flush_on_close = section.truth("flushOnClose").value_or(true);
  flush_on_close = reading.attributes.truth("flushOnClose").value_or(flush_on_close);
  refuse_null(section, "target", "a handler's name");
  const std::string target = section.name("target", "handler", reading.names);
  if (!target.empty()) {
    reading.settings.targets = {target};
  } else if (section.find("target") == nullptr) {
    section.diagnostics().warning(section.place(),
                                  "no target: it keeps all its records in memory and writes none");
  } else if (section.find("target")->is(Node::Kind::kString) && section.find("target")->text.empty()) {
    section.expected("target", "a handler's name");
  }
  reading.settings.make = [=](const Making& making) {
    return std::make_shared<MemoryHandler>(
        capacity, flush_level, making.targets.empty() ? nullptr : making.targets.front(), flush_on_close);
  };
}

}  // namespace logbus::sidecar
