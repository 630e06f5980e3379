// SPDX-License-Identifier: MIT
// The `logbus:` key.
#include <grp.h>

#include <array>
#include <bit>
#include <charconv>
#include <limits>

#include <fmt/format.h>

#include "sidecar/config_parts.h"

namespace logbus::sidecar {
namespace {

constexpr std::int64_t kKiB = 1 << 10;
constexpr std::int64_t kGiB = 1 << 30;
// A frame's tag has 24 bits for a site's id; lanes and their data are mapped as a whole.
constexpr std::int64_t kMostSites = 1 << 24;
constexpr std::int64_t kMostLanes = 1 << 16;

// Named in the documentation of the key; a file that uses one must not be half obeyed.
constexpr std::array<std::string_view, 3> kLater{"levels", "metrics", "wait_for_workers"};

void permissions(Section& section, shm::BusOptions& options) {
  const Node* node = section.value("permissions");
  if (node == nullptr) return;
  unsigned mode = 0;
  const std::string& text = node->text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), mode, 8);
  // An unquoted 0600 would be right and an unquoted 600 wrong, and the two look alike: only a string is
  // taken.
  if (!node->is(Node::Kind::kString) || error != std::errc() || end != text.data() + text.size() ||
      mode > 0777) {
    section.expected("permissions", "octal digits in quotes, such as \"0660\"");
  } else if ((mode & 0600) != 0600) {
    section.expected("permissions", "permissions that let the owner read and write");
  } else {
    options.mode = static_cast<mode_t>(mode);
  }
}

void group(Section& section, shm::BusOptions& options) {
  const Node* node = section.value("group");
  if (node == nullptr) return;
  if (node->is(Node::Kind::kInteger) && node->integer >= 0 &&
      node->integer < std::numeric_limits<gid_t>::max()) {
    options.group = static_cast<gid_t>(node->integer);
  } else if (!node->is(Node::Kind::kString)) {
    section.expected("group", "the name or the number of a group");
  } else if (const struct group* entry = ::getgrnam(node->text.c_str())) {
    options.group = entry->gr_gid;
  } else {
    section.diagnostics().error(section.place("group"),
                                fmt::format("there is no group {}", in_quotes(node->text)));
  }
}

void overflow(Section& section, shm::BusOptions& options) {
  const std::optional<std::string> text = section.string("overflow");
  if (!text) return;
  if (*text == "drop") {
    options.overflow = detail::Policy::kDrop;
  } else if (*text == "block") {
    options.overflow = detail::Policy::kBlock;
  } else if (*text == "overwrite") {
    options.overflow = detail::Policy::kOverwrite;
    if (options.lane_size < detail::kMinRingBytes)
      section.diagnostics().error(section.place("overflow"),
                                  "overwrite needs a lane_size of 128 KiB or more");
  } else {
    section.expected("overflow", "drop, block or overwrite");
  }
}

void structure(Section& section, shm::BusOptions& options) {
  if (const auto lanes = section.integer("lanes", 1, kMostLanes))
    options.lanes = static_cast<std::uint32_t>(*lanes);
  if (const auto bytes = section.size("lane_size", 64 * kKiB, kGiB)) {
    options.lane_size = *bytes;
    if (!std::has_single_bit(*bytes)) section.expected("lane_size", "a power of two");
  }
  if (const auto sites = section.integer("sites", 1, kMostSites)) {
    options.sites = static_cast<std::uint32_t>(*sites);
    if (!std::has_single_bit(options.sites)) section.expected("sites", "a power of two");
  }
}

}  // namespace

void parse_bus(Section& root, Configuration& configuration) {
  std::optional<Section> found = root.section("logbus");
  if (!found) return;
  Section& section = *found;
  BusSettings& bus = configuration.bus;
  if (const auto name = section.string("bus")) {
    bus.options.bus = *name;
    if (!is_bus_name(*name)) section.expected("bus", "a bus's name (1 to 64 of A-Z a-z 0-9 _ . -)");
  }
  if (const auto directory = section.string("directory")) {
    bus.options.directory = *directory;
    if (!directory->starts_with('/')) section.expected("directory", "an absolute path");
  }
  permissions(section, bus.options);
  group(section, bus.options);
  structure(section, bus.options);
  if (const auto bytes = section.size("memory", 64 * kKiB, Section::kUnbounded)) bus.options.memory = *bytes;
  if (const auto bytes = section.size("max_per_process", 64 * kKiB, Section::kUnbounded))
    bus.options.max_per_process = *bytes;
  overflow(section, bus.options);
  if (const auto time = section.duration("block_timeout")) bus.options.block_timeout = *time;
  if (const auto time = section.duration("max_hold")) bus.options.max_hold = *time;
  parse_delivery(section, bus);
  for (const std::string_view key : kLater) section.not_in_this_version(key);
  section.unknown_keys(Section::Unknown::kRefuse);
}

}  // namespace logbus::sidecar
