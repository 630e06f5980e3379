// SPDX-License-Identifier: MIT
// A YAML document as Python's safe_load would give it, with the position of each value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/diagnostics.h"

namespace logbus::sidecar {

struct NodeEntry;

/// One value. Merge keys are applied, aliases are copies, of a key given twice the last value is here.
struct Node {
  // kInvalid: a reference that leads nowhere; already reported, and never a reason for a second error.
  enum class Kind { kNull, kBool, kInteger, kFloat, kString, kTimestamp, kExternal, kList, kMap, kInvalid };

  Kind kind = Kind::kNull;
  Mark mark;
  std::string text;  // a scalar as written (quotes removed); of kExternal what follows ext://
  bool boolean = false;
  std::int64_t integer = 0;
  double real = 0;
  std::vector<Node> items;
  std::vector<NodeEntry> entries;

  bool is(Kind other) const noexcept { return kind == other; }
  /// The value of the string key, or null.
  const Node* find(std::string_view key) const noexcept;
  Node* find(std::string_view key) noexcept;
};

struct NodeEntry {
  Node key;  // a scalar
  Node value;
};

/// What a message calls it: `an integer 5`, `a string "10MB"`, `a list`.
std::string describe(const Node& node);

/// The only document in `text`. Errors go to `diagnostics`, and the node is then of no use.
Node load_yaml(const std::string& text, Diagnostics& diagnostics);

/// Replaces `cfg://...` strings under the configuration's own keys by copies of what they name, and
/// `ext://...` strings by the constants of Python that have a meaning here. `root` is the whole document.
void resolve_references(Node& root, Diagnostics& diagnostics);

}  // namespace logbus::sidecar
