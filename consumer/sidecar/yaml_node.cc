// SPDX-License-Identifier: MIT
#include "sidecar/yaml_node.h"

#include <cctype>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "sidecar/yaml_events.h"
#include "sidecar/yaml_scalar.h"

namespace logbus::sidecar {
namespace {

// A configuration has some hundred values. Aliases of aliases can name billions.
constexpr int kMaxNodes = 100'000;
constexpr int kMaxDepth = 64;

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

std::string_view text_or_empty(const yaml_char_t* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}

// Python's ==, by which a key replaces an earlier one: 1, 1.0 and true are the same.
bool is_same_key(const Node& a, const Node& b) {
  const auto number = [](const Node& node) -> std::optional<double> {
    if (node.is(Node::Kind::kBool)) return node.boolean ? 1.0 : 0.0;
    if (node.is(Node::Kind::kInteger)) return static_cast<double>(node.integer);
    if (node.is(Node::Kind::kFloat)) return node.real;
    return std::nullopt;
  };
  if (a.is(Node::Kind::kInteger) && b.is(Node::Kind::kInteger)) return a.integer == b.integer;
  if (const auto value = number(a)) return value == number(b);
  return a.kind == b.kind && (a.is(Node::Kind::kNull) || a.text == b.text);
}

std::size_t count_nodes(const Node& node) {
  std::size_t count = 1;
  for (const Node& item : node.items) count += count_nodes(item);
  for (const auto& [key, value] : node.entries) count += 1 + count_nodes(value);
  return count;
}

class Loader {
 public:
  explicit Loader(const std::string& text) : events_(text) {}

  Node document() {
    events_.next();  // the stream begins
    events_.next();
    if (is(YAML_STREAM_END_EVENT)) return {};
    events_.next();
    Node node = value(0);
    events_.next();  // the document ends
    events_.next();
    if (!is(YAML_STREAM_END_EVENT))
      throw YamlFailure(events_.mark(), "a second document begins here; there may be only one");
    return node;
  }

 private:
  struct Anchor {
    std::optional<Node> node;  // nothing: not at its end yet
    std::size_t count = 0;     // of all values in it
  };

  bool is(yaml_event_type_t type) const { return events_.event().type == type; }

  void count(std::size_t more) {
    nodes_ += more;
    if (nodes_ > kMaxNodes) throw YamlFailure(events_.mark(), fmt::format("more than {} values", kMaxNodes));
  }

  // The value that begins with the current event; afterwards the current event is its last.
  Node value(int depth) {
    count(1);
    if (depth > kMaxDepth)
      throw YamlFailure(events_.mark(), fmt::format("nested more than {} levels deep", kMaxDepth));
    const yaml_event_t& event = events_.event();
    if (event.type == YAML_ALIAS_EVENT) return alias();
    Node node;
    node.mark = events_.mark();
    const std::string anchor(text_or_empty(event.type == YAML_SCALAR_EVENT ? event.data.scalar.anchor
                                           : event.type == YAML_SEQUENCE_START_EVENT
                                               ? event.data.sequence_start.anchor
                                               : event.data.mapping_start.anchor));
    if (!anchor.empty() && !anchors_.try_emplace(anchor).second)
      throw YamlFailure(events_.mark(), fmt::format("the anchor {} is given twice", quoted(anchor)));
    if (event.type == YAML_SCALAR_EVENT) {
      scalar(node);
    } else if (event.type == YAML_SEQUENCE_START_EVENT) {
      expect_tag(event.data.sequence_start.tag, "seq");
      node.kind = Node::Kind::kList;
      for (events_.next(); !is(YAML_SEQUENCE_END_EVENT); events_.next())
        node.items.push_back(value(depth + 1));
    } else {
      expect_tag(event.data.mapping_start.tag, "map");
      node.kind = Node::Kind::kMap;
      map(node, depth);
    }
    if (!anchor.empty()) anchors_[anchor] = {node, count_nodes(node)};
    return node;
  }

  Node alias() {
    const std::string name(text_or_empty(events_.event().data.alias.anchor));
    const auto found = anchors_.find(name);
    if (found == anchors_.end())
      throw YamlFailure(events_.mark(), fmt::format("there is no anchor {}", quoted(name)));
    if (!found->second.node)
      throw YamlFailure(events_.mark(),
                        fmt::format("the alias {} stands within what it names", quoted(name)));
    count(found->second.count);
    return *found->second.node;
  }

  void expect_tag(const yaml_char_t* given, std::string_view expected) const {
    const std::string_view tag = text_or_empty(given);
    if (tag.empty() || tag == "!" || tag == std::string(kTagPrefix) + std::string(expected)) return;
    throw YamlFailure(events_.mark(), fmt::format("the tag {} has no meaning here", quoted(tag)));
  }

  // A password that begins with '*' or '!' is none to YAML.
  std::string quoted(std::string_view text) const { return secret_ ? "what stands here" : in_quotes(text); }

  void assign(Node& node, const Scalar& scalar, std::string_view what) const {
    using Kind = Node::Kind;
    if (std::holds_alternative<NullScalar>(scalar)) {
      node.kind = Kind::kNull;
    } else if (const bool* boolean = std::get_if<bool>(&scalar)) {
      node.kind = Kind::kBool;
      node.boolean = *boolean;
    } else if (const std::int64_t* integer = std::get_if<std::int64_t>(&scalar)) {
      node.kind = Kind::kInteger;
      node.integer = *integer;
    } else if (const double* real = std::get_if<double>(&scalar)) {
      node.kind = Kind::kFloat;
      node.real = *real;
    } else if (std::holds_alternative<TimestampScalar>(scalar)) {
      node.kind = Kind::kTimestamp;
    } else if (std::holds_alternative<TextScalar>(scalar)) {
      node.kind = Kind::kString;
    } else {
      throw YamlFailure(node.mark,
                        fmt::format("{} is not {}; quote it if it is text", quoted(node.text), what));
    }
  }

  void scalar(Node& node) {
    const auto& given = events_.event().data.scalar;
    node.text.assign(reinterpret_cast<const char*>(given.value), given.length);
    const std::string_view tag = text_or_empty(given.tag);
    if (given.plain_implicit != 0) {
      assign(node, resolve_scalar(node.text), "a value that YAML 1.1 can read");
    } else if (given.quoted_implicit != 0 || tag == "tag:yaml.org,2002:str") {
      node.kind = Node::Kind::kString;
    } else if (tag == "tag:yaml.org,2002:int") {
      assign(node, construct_integer(node.text), "an integer");
    } else if (tag == "tag:yaml.org,2002:float") {
      assign(node, construct_float(node.text), "a number");
    } else if (tag == "tag:yaml.org,2002:bool") {
      std::string word = node.text;
      for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      const Scalar value = resolve_scalar(word);
      assign(node, std::holds_alternative<bool>(value) ? value : Scalar(BadScalar{}), "a boolean");
    } else if (tag == "tag:yaml.org,2002:null") {
      node.kind = Node::Kind::kNull;
    } else {
      expect_tag(given.tag, "str");
    }
  }

  // Entries of merged mappings come first, then the mapping's own; a later one replaces the value of an
  // earlier.
  void map(Node& node, int depth) {
    std::vector<NodeEntry> own;
    for (events_.next(); !is(YAML_MAPPING_END_EVENT); events_.next()) {
      if (is_plain("<<")) {
        events_.next();
        merge(value(depth + 1), node);
        continue;
      }
      Node key;
      if (is_plain("=")) {  // as a key, and only as one, it is text
        key.kind = Node::Kind::kString;
        key.mark = events_.mark();
        key.text = "=";
      } else {
        key = value(depth + 1);
      }
      if (key.is(Node::Kind::kList) || key.is(Node::Kind::kMap))
        throw YamlFailure(key.mark, "a list or a mapping can't be a key");
      events_.next();
      const bool outer = std::exchange(secret_, secret_ || is_secret(key.text));
      Node found = value(depth + 1);
      secret_ = outer;
      own.push_back({std::move(key), std::move(found)});
    }
    for (auto& entry : own) put(node, std::move(entry));
  }

  bool is_plain(std::string_view text) const {
    const yaml_event_t& event = events_.event();
    return event.type == YAML_SCALAR_EVENT && event.data.scalar.plain_implicit != 0 &&
           text_or_empty(event.data.scalar.value) == text;
  }

  static void merge(const Node& merged, Node& node) {
    if (merged.is(Node::Kind::kMap)) {
      for (const auto& entry : merged.entries) put(node, entry);
      return;
    }
    if (!merged.is(Node::Kind::kList)) {
      throw YamlFailure(
          merged.mark, fmt::format("'<<' expects a mapping or a list of mappings, got {}", describe(merged)));
    }
    for (auto item = merged.items.rbegin(); item != merged.items.rend();
         ++item) {  // the first of the list wins
      if (!item->is(Node::Kind::kMap))
        throw YamlFailure(item->mark, fmt::format("'<<' expects a mapping, got {}", describe(*item)));
      for (const auto& entry : item->entries) put(node, entry);
    }
  }

  static void put(Node& node, NodeEntry entry) {
    for (auto& [key, value] : node.entries) {
      if (is_same_key(key, entry.key)) {
        key.mark = entry.key.mark;
        value = std::move(entry.value);
        return;
      }
    }
    node.entries.push_back(std::move(entry));
  }

  YamlEvents events_;
  std::map<std::string, Anchor> anchors_;
  std::size_t nodes_ = 0;
  bool secret_ = false;  // what is read now is not for others
};

}  // namespace

const Node* Node::find(std::string_view key) const noexcept {
  for (const auto& [name, value] : entries) {
    if (name.is(Kind::kString) && name.text == key) return &value;
  }
  return nullptr;
}

Node* Node::find(std::string_view key) noexcept {
  return const_cast<Node*>(std::as_const(*this).find(key));
}

std::string describe(const Node& node) {
  switch (node.kind) {
    case Node::Kind::kNull:
      return "null";
    case Node::Kind::kBool:
      return node.boolean ? "a boolean (true)" : "a boolean (false)";
    case Node::Kind::kInteger:
      return fmt::format("an integer {}", node.integer);
    case Node::Kind::kFloat:
      return fmt::format("a number {}", node.text);
    case Node::Kind::kString:
      return "a string " + in_quotes(node.text);
    case Node::Kind::kTimestamp:
      return "a date " + node.text;
    case Node::Kind::kExternal:
      return "ext://" + node.text;
    case Node::Kind::kList:
      return "a list";
    case Node::Kind::kMap:
      return "a mapping";
    case Node::Kind::kInvalid:
      break;
  }
  return "a reference that leads nowhere";
}

Node load_yaml(const std::string& text, Diagnostics& diagnostics) {
  try {
    return Loader(text).document();
  } catch (const YamlFailure& failure) {
    diagnostics.error({failure.mark, ""}, failure.what());
  }
  return {};
}

}  // namespace logbus::sidecar
