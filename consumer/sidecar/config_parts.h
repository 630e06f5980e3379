// SPDX-License-Identifier: MIT
// The sections of a configuration, one function each; config.cc calls them in Python's order.
#pragma once

#include "sidecar/config.h"
#include "sidecar/config_section.h"

namespace logbus::sidecar {

void parse_formatters(Section& root, Configuration& configuration);
void parse_filters(Section& root, Configuration& configuration);
/// Needs the formatters, the filters and the `logbus:` key.
void parse_handlers(Section& root, Configuration& configuration);
/// Needs the handlers and filters. Root comes first, also if the file doesn't name it.
void parse_loggers(Section& root, Configuration& configuration);
void parse_bus(Section& root, Configuration& configuration);
/// The rest of the `logbus:` key.
void parse_delivery(Section& section, BusSettings& bus);

/// The levels of an incremental configuration, instead of the four above.
void parse_increment(Section& root, Configuration& configuration);
/// Decides which QueueHandler stands for the bus. Needs the loggers.
void settle_queues(Section& root, Configuration& configuration);
/// Sets HandlerSettings::text. Needs settled queues, and no errors.
void describe_handlers(const Node& document, Configuration& configuration);
/// What is only wrong, or surprising, when all the parts are seen together.
void check_whole(Section& root, const Configuration& configuration);

}  // namespace logbus::sidecar
