// SPDX-License-Identifier: MIT
// One mapping of the configuration, read key by key; a wrong type becomes an error that names the place.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <logbus/level.h>

#include "sidecar/diagnostics.h"
#include "sidecar/yaml_node.h"

namespace logbus::sidecar {

/// Borrows the node and the diagnostics. The getters give nothing for a key that is absent, null, or wrong
/// (and then report it). Each key asked for is a known one: unknown_keys() reports the rest.
class Section {
 public:
  Section(const Node& node, Place place, Diagnostics& diagnostics)
      : node_(&node), place_(std::move(place)), diagnostics_(&diagnostics) {}

  /// The value, also if it is null; nullptr if absent.
  const Node* find(std::string_view key);
  /// Present and not null. One that is invalid counts as absent: its error is reported already.
  const Node* value(std::string_view key);

  std::optional<std::string> string(std::string_view key);
  std::optional<std::int64_t> integer(std::string_view key, std::int64_t least, std::int64_t most);
  /// true, false, 1 or 0.
  std::optional<bool> boolean(std::string_view key);
  /// What Python takes for true, of any value: null, 0, "" and what is empty are false. Nothing if absent.
  std::optional<bool> truth(std::string_view key);
  /// Python's _checkLevel: a number or an exact name.
  std::optional<Level> level(std::string_view key);
  static constexpr std::int64_t kUnbounded = std::numeric_limits<std::int64_t>::max();
  /// Bytes: an integer, or a text such as "64 MiB".
  std::optional<std::uint64_t> size(std::string_view key, std::int64_t least, std::int64_t most);
  /// A text such as "50 ms".
  std::optional<std::chrono::nanoseconds> duration(std::string_view key);
  /// The place of the text among `words`.
  std::optional<std::size_t> choice(std::string_view key, const std::vector<std::string_view>& words);
  /// A mapping's entries with string keys, each a mapping too, as sections. Entries of another shape are
  /// reported.
  std::vector<std::pair<std::string, Section>> sections(std::string_view key);
  std::optional<Section> section(std::string_view key);
  /// A list of strings that must be among `known`; `what` is the kind of thing they name ("handler"). A name
  /// given twice is kept once, as addHandler does.
  std::vector<std::string> names(std::string_view key, std::string_view what,
                                 const std::vector<std::string>& known);
  /// One such string, or "".
  std::string name(std::string_view key, std::string_view what, const std::vector<std::string>& known);

  /// Refuses the key if it is there, and never offers it as a suggestion.
  void not_in_this_version(std::string_view key);

  enum class Unknown {
    kRefuse,     // an error
    kForgive,    // Python ignores it: a warning, unless it looks like a known key misspelt
    kHint,       // a warning if it looks like a known key misspelt, else nothing
    kAttribute,  // Python sets it on an object: an error if it would have an effect there or looks misspelt,
                 // else a warning
  };
  void unknown_keys(Unknown policy);

  /// Where the key's value stands; the section's own place if it has none.
  Place place(std::string_view key) const;
  const Place& place() const noexcept { return place_; }
  const Node& node() const noexcept { return *node_; }
  Diagnostics& diagnostics() noexcept { return *diagnostics_; }
  /// An error: "expected `what`, got ...".
  void expected(std::string_view key, std::string_view what);

 private:
  std::string path_of(std::string_view key) const;

  const Node* node_;
  Place place_;
  Diagnostics* diagnostics_;
  std::vector<std::string_view> known_;    // literals of the callers
  std::vector<std::string_view> refused_;  // likewise: reported already
};

}  // namespace logbus::sidecar
