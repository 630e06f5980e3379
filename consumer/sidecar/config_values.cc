// SPDX-License-Identifier: MIT
#include "sidecar/config_values.h"

#include <fmt/format.h>

namespace logbus::sidecar {

Value to_value(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kBool:
      return node.boolean;
    case Node::Kind::kInteger:
      return node.integer;
    case Node::Kind::kFloat:
      return node.real;
    case Node::Kind::kString:
    case Node::Kind::kTimestamp:
    case Node::Kind::kExternal:
      return node.text;
    case Node::Kind::kList: {
      List list;
      for (const Node& item : node.items) list.push_back(to_value(item));
      return list;
    }
    case Node::Kind::kMap: {
      Dict dict;
      for (const auto& [key, value] : node.entries) dict.emplace_back(to_value(key), to_value(value));
      return dict;
    }
    case Node::Kind::kNull:
    case Node::Kind::kInvalid:
      break;
  }
  return None{};
}

Fields read_fields(Section& section, std::string_view key) {
  Fields fields;
  const std::optional<Section> found = section.section(key);
  if (!found) return fields;
  for (const auto& [name, value] : found->node().entries) {
    if (name.is(Node::Kind::kString)) {
      fields.emplace_back(name.text, to_value(value));
    } else {
      section.diagnostics().error({name.mark, found->place().path},
                                  fmt::format("a name must be a string (in quotes), got {}", describe(name)));
    }
  }
  return fields;
}

std::optional<std::vector<std::string>> read_strings(Section& section, std::string_view key) {
  const Node* node = section.value(key);
  if (node == nullptr) return std::nullopt;
  std::vector<std::string> strings;
  for (const Node& item : node->items) {
    if (!item.is(Node::Kind::kString)) break;
    strings.push_back(item.text);
  }
  if (node->is(Node::Kind::kList) && strings.size() == node->items.size()) return strings;
  section.expected(key, "a list of strings");
  return std::nullopt;
}

}  // namespace logbus::sidecar
