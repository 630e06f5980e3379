// SPDX-License-Identifier: MIT
// The classes of handler that a configuration may name: one kind each, in a file of its own under kinds/.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/config.h"
#include "sidecar/config_section.h"

namespace logbus::sidecar {

/// One handler's section while it is read. What all handlers have (level, formatter, filters) is in
/// `settings` already.
struct HandlerReading {
  Section& section;
  Section& attributes;                    // what is under `.`: Python sets it on the handler it has made
  const std::vector<std::string>& names;  // of all handlers of the configuration
  const std::vector<FormatterSettings>& formatters;
  const BusSettings& bus;  // the `logbus:` key
  HandlerSettings& settings;
};

/// How the section of one class is read: asks for the keys that the class takes, reports what is wrong with
/// them, and sets settings.make and whatever else the class has of HandlerSettings. Keys that it doesn't ask
/// for are reported as unknown.
struct HandlerKind {
  std::string_view name;  // as Python writes it
  void (*read)(HandlerReading& reading);
};

/// All of them, in the order of their names.
std::span<const HandlerKind> handler_kinds() noexcept;

}  // namespace logbus::sidecar
