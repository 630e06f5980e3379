// SPDX-License-Identifier: MIT
#include "sidecar/config_section.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "sidecar/config_units.h"

namespace logbus::sidecar {
namespace {

// A text or a list with nothing in it, 0, false: where Python looks for a name or for entries, there are
// none.
bool is_empty(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kString:
      return node.text.empty();
    case Node::Kind::kList:
      return node.items.empty();
    case Node::Kind::kInteger:
      return node.integer == 0;
    case Node::Kind::kBool:
      return !node.boolean;
    default:
      return false;
  }
}

// What even an empty section can't be.
bool is_number(const Node& node) {
  return node.is(Node::Kind::kInteger) || node.is(Node::Kind::kBool);
}

}  // namespace

std::string Section::path_of(std::string_view key) const {
  return place_.path.empty() ? std::string(key) : fmt::format("{}.{}", place_.path, key);
}

const Node* Section::find(std::string_view key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.push_back(key);
  return node_->find(key);
}

const Node* Section::value(std::string_view key) {
  const Node* node = find(key);
  return node == nullptr || node->is(Node::Kind::kNull) || node->is(Node::Kind::kInvalid) ? nullptr : node;
}

Place Section::place(std::string_view key) const {
  const Node* node = node_->find(key);
  return node == nullptr ? place_ : Place{node->mark, path_of(key)};
}

void Section::expected(std::string_view key, std::string_view what) {
  const Node& node = *node_->find(key);
  diagnostics_->error(place(key), is_secret(key) ? fmt::format("expected {}", what)
                                                 : fmt::format("expected {}, got {}", what, describe(node)));
}

std::optional<std::string> Section::string(std::string_view key) {
  const Node* node = value(key);
  if (node == nullptr) return std::nullopt;
  if (node->is(Node::Kind::kString)) return node->text;
  const bool number_or_word = node->is(Node::Kind::kBool) || node->is(Node::Kind::kInteger) ||
                              node->is(Node::Kind::kFloat) || node->is(Node::Kind::kTimestamp);
  expected(key, number_or_word ? "a string (in quotes)" : "a string");
  return std::nullopt;
}

std::optional<std::int64_t> Section::integer(std::string_view key, std::int64_t least, std::int64_t most) {
  const Node* node = value(key);
  if (node == nullptr) return std::nullopt;
  std::int64_t number = node->integer;
  // 1.0e+6 is how YAML 1.1 spells a round number with an exponent, and Python takes it.
  const bool whole = node->is(Node::Kind::kFloat) && std::nearbyint(node->real) == node->real &&
                     std::fabs(node->real) < 1e15;
  if (whole) number = static_cast<std::int64_t>(node->real);
  if (!whole && !node->is(Node::Kind::kInteger)) {
    expected(key, "an integer");
    return std::nullopt;
  }
  if (number < least || number > most) {
    using Limits = std::numeric_limits<std::int64_t>;
    expected(key, most == Limits::max()    ? fmt::format("an integer of at least {}", least)
                  : least == Limits::min() ? fmt::format("an integer of at most {}", most)
                                           : fmt::format("an integer from {} to {}", least, most));
    return std::nullopt;
  }
  return number;
}

std::optional<bool> Section::boolean(std::string_view key) {
  const Node* node = value(key);
  if (node == nullptr) return std::nullopt;
  if (node->is(Node::Kind::kBool)) return node->boolean;
  if (node->is(Node::Kind::kInteger) && (node->integer == 0 || node->integer == 1)) return node->integer == 1;
  expected(key, "true or false");
  return std::nullopt;
}

std::optional<bool> Section::truth(std::string_view key) {
  const Node* node = find(key);
  if (node == nullptr) return std::nullopt;
  switch (node->kind) {
    case Node::Kind::kNull:
    case Node::Kind::kInvalid:
      return false;
    case Node::Kind::kBool:
      return node->boolean;
    case Node::Kind::kInteger:
      return node->integer != 0;
    case Node::Kind::kFloat:
      return node->real != 0;
    case Node::Kind::kString:
      diagnostics_->warning(place(key),
                            fmt::format("the text {} counts as {}, as in Python; write true or false",
                                        in_quotes(node->text), !node->text.empty()));
      return !node->text.empty();
    case Node::Kind::kTimestamp:
    case Node::Kind::kExternal:
      return true;
    case Node::Kind::kList:
      return !node->items.empty();
    case Node::Kind::kMap:
      return !node->entries.empty();
  }
  return std::nullopt;
}

std::optional<Level> Section::level(std::string_view key) {
  const Node* node = value(key);
  if (node == nullptr) return std::nullopt;
  if (node->is(Node::Kind::kBool)) return Level{node->boolean ? 1 : 0};  // a bool is an int in Python
  if (node->is(Node::Kind::kInteger)) {
    constexpr std::int64_t kMost = std::numeric_limits<int>::max();
    if (node->integer >= -kMost && node->integer <= kMost) return Level{static_cast<int>(node->integer)};
    expected(key, "a level");
    return std::nullopt;
  }
  if (!node->is(Node::Kind::kString)) {
    expected(key, "a level (a name such as INFO, or an integer)");
    return std::nullopt;
  }
  const std::optional<Level> level = level_from_name(node->text);
  if (!level) {
    diagnostics_->error(place(key),
                        fmt::format("unknown level {}{}", in_quotes(node->text),
                                    suggestion(node->text, {"CRITICAL", "ERROR", "WARNING", "INFO", "DEBUG",
                                                            "NOTSET", "FATAL", "WARN"})));
  }
  return level;
}

std::optional<std::uint64_t> Section::size(std::string_view key, std::int64_t least, std::int64_t most) {
  const Node* node = value(key);
  if (node == nullptr) return std::nullopt;
  std::optional<std::uint64_t> bytes;
  if (node->is(Node::Kind::kInteger) && node->integer >= 0) bytes = static_cast<std::uint64_t>(node->integer);
  if (node->is(Node::Kind::kString)) bytes = parse_size(node->text);
  if (!bytes) {
    expected(key, "a size such as \"64 MiB\" or an integer of bytes");
    return std::nullopt;
  }
  if (*bytes >= static_cast<std::uint64_t>(least) && *bytes <= static_cast<std::uint64_t>(most)) return bytes;
  const std::string range = most == kUnbounded ? fmt::format("at least {} bytes", least)
                                               : fmt::format("from {} to {} bytes", least, most);
  expected(key, "a size of " + range);
  return std::nullopt;
}

std::optional<std::chrono::nanoseconds> Section::duration(std::string_view key) {
  const Node* node = value(key);
  if (node == nullptr) return std::nullopt;
  std::optional<std::chrono::nanoseconds> result;
  if (node->is(Node::Kind::kString)) result = parse_duration(node->text);
  if (!result) expected(key, "a duration with its unit, such as \"50 ms\" or \"10 s\"");
  return result;
}

std::optional<std::size_t> Section::choice(std::string_view key, const std::vector<std::string_view>& words) {
  const std::optional<std::string> text = string(key);
  if (!text) return std::nullopt;
  const auto found = std::find(words.begin(), words.end(), *text);
  if (found != words.end()) return static_cast<std::size_t>(found - words.begin());
  expected(key,
           words.size() == 2 ? fmt::format("{} or {}", words[0], words[1]) : "one of " + enumerate(words));
  return std::nullopt;
}

std::optional<Section> Section::section(std::string_view key) {
  const Node* node = value(key);
  if (node == nullptr || is_empty(*node)) return std::nullopt;
  if (node->is(Node::Kind::kMap)) return Section(*node, place(key), *diagnostics_);
  expected(key, "a mapping");
  return std::nullopt;
}

std::vector<std::pair<std::string, Section>> Section::sections(std::string_view key) {
  std::vector<std::pair<std::string, Section>> result;
  const Node* node = find(key);
  if (node == nullptr || node->is(Node::Kind::kInvalid) || (is_empty(*node) && !is_number(*node)))
    return result;
  if (!node->is(Node::Kind::kMap)) {  // null too: Python fails on it
    expected(key, "a mapping");
    return result;
  }
  for (const auto& [name, value] : node->entries) {
    const Place where{name.mark, fmt::format("{}.{}", path_of(key), name.text)};
    if (!name.is(Node::Kind::kString)) {
      diagnostics_->error(where, fmt::format("a name must be a string (in quotes), got {}", describe(name)));
    } else if (!value.is(Node::Kind::kMap) && !value.is(Node::Kind::kInvalid)) {
      diagnostics_->error({value.mark, where.path},
                          fmt::format("expected a mapping, got {}", describe(value)));
    } else if (value.is(Node::Kind::kMap)) {
      result.emplace_back(name.text, Section(value, where, *diagnostics_));
    }
  }
  return result;
}

std::vector<std::string> Section::names(std::string_view key, std::string_view what,
                                        const std::vector<std::string>& known) {
  std::vector<std::string> result;
  const Node* list = value(key);
  if (list == nullptr || is_empty(*list)) return result;
  if (!list->is(Node::Kind::kList)) {
    expected(key, fmt::format("a list of {} names", what));
    return result;
  }
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const Node& item = list->items[i];
    const Place where{item.mark, fmt::format("{}[{}]", path_of(key), i)};
    if (item.is(Node::Kind::kInvalid)) continue;
    if (!item.is(Node::Kind::kString)) {
      diagnostics_->error(where, fmt::format("expected the name of a {}, got {}", what, describe(item)));
    } else if (std::find(known.begin(), known.end(), item.text) == known.end()) {
      diagnostics_->error(where, fmt::format("there is no {} named {}{}", what, in_quotes(item.text),
                                             suggestion(item.text, {known.begin(), known.end()})));
    } else if (std::find(result.begin(), result.end(), item.text) == result.end()) {
      result.push_back(item.text);
    }
  }
  return result;
}

std::string Section::name(std::string_view key, std::string_view what,
                          const std::vector<std::string>& known) {
  const Node* node = value(key);
  if (node != nullptr && is_empty(*node)) return {};
  const std::optional<std::string> text = string(key);
  if (!text) return {};
  if (std::find(known.begin(), known.end(), *text) != known.end()) return *text;
  diagnostics_->error(place(key), fmt::format("there is no {} named {}{}", what, in_quotes(*text),
                                              suggestion(*text, {known.begin(), known.end()})));
  return {};
}

void Section::not_in_this_version(std::string_view key) {
  refused_.push_back(key);
  if (node_->find(key) != nullptr) diagnostics_->error(place(key), "not in this version");
}

}  // namespace logbus::sidecar
