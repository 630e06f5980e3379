// SPDX-License-Identifier: MIT
// What the `logbus:` key says of the sidecar itself: dispatch, queues, errors, its own lines.
#include "sidecar/config_parts.h"

namespace logbus::sidecar {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t kMostQueued = 1 << 24;
constexpr std::int64_t kLeastMemory = 64 << 10;
constexpr std::int64_t kMostMemory = std::int64_t{1} << 40;

void duration(Section& section, std::string_view key, milliseconds& to) {
  if (const auto time = section.duration(key)) to = std::chrono::ceil<milliseconds>(*time);
}

void parse_async(Section& section, AsyncSettings& async) {
  if (const auto capacity = section.integer("capacity", 1, kMostQueued))
    async.capacity = static_cast<std::size_t>(*capacity);
  if (const auto memory = section.size("memory", kLeastMemory, kMostMemory))
    async.memory = static_cast<std::size_t>(*memory);
  if (const auto overflow = section.choice("overflow", {"drop", "block"})) async.blocks = *overflow == 1;
  duration(section, "block_timeout", async.block_timeout);
  if (const auto time = section.duration("shutdown_timeout"))
    async.shutdown_timeout = std::chrono::ceil<milliseconds>(*time);
  if (const auto durable = section.boolean("durable")) async.durable = *durable;
  section.unknown_keys(Section::Unknown::kRefuse);
}

}  // namespace

void parse_delivery(Section& section, BusSettings& bus) {
  if (std::optional<Section> async = section.section("async")) parse_async(*async, bus.async);
  if (const auto dispatch = section.choice("dispatch", {"tree", "listener"}))
    bus.by_listener = *dispatch == 1;
  if (const auto name = section.string("listener")) {
    bus.listener = *name;
    if (!bus.by_listener)
      section.diagnostics().error(section.place("listener"), "has a meaning only with 'dispatch: listener'");
  }
  if (const auto policy = section.choice("on_write_error", {"drop", "hold"})) bus.holds = *policy == 1;
  duration(section, "hold_max", bus.hold_max);
  if (const auto prepare = section.choice("prepare", {"logbus", "python"}))
    bus.prepares_like_python = *prepare == 1;
  if (const auto compat = section.choice("compat", {"fixed", "strict"}))
    bus.compatibility.strict = *compat == 1;
  if (const auto version = section.choice("python_version", {"3.12", "3.13", "3.14", "3.15"}))
    bus.compatibility.python_minor = static_cast<int>(12 + *version);
  duration(section, "drain_timeout", bus.drain_timeout);
  if (const auto level = section.level("log_level")) bus.log_level = *level;
  if (const auto format = section.choice("log_format", {"text", "json"})) bus.logs_json = *format == 1;
}

}  // namespace logbus::sidecar
