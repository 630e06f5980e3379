// SPDX-License-Identifier: MIT
#include "sidecar/yaml_node.h"

#include <optional>

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include "sidecar/yaml_scalar.h"

namespace logbus::sidecar {
namespace {

// A configuration has some hundred values. Aliases of aliases can name billions, and a value may hold itself.
constexpr int kMaxNodes = 100'000;
constexpr int kMaxDepth = 64;

constexpr std::string_view kTagPrefix = "tag:yaml.org,2002:";

struct LoadFailure {
  Mark mark;
  std::string sentence;
};

Mark mark_of(const YAML::Mark& mark) {
  return mark.is_null() ? Mark{} : Mark{mark.line + 1, mark.column + 1};
}

class Converter {
 public:
  Node convert(const YAML::Node& source, int depth = 0) {
    const Mark mark = mark_of(source.Mark());
    if (++nodes_ > kMaxNodes) throw LoadFailure{mark, fmt::format("more than {} values", kMaxNodes)};
    if (depth > kMaxDepth) throw LoadFailure{mark, fmt::format("nested more than {} levels deep", kMaxDepth)};
    Node node;
    node.mark = mark;
    switch (source.Type()) {
      case YAML::NodeType::Undefined:
      case YAML::NodeType::Null:
        break;
      case YAML::NodeType::Scalar:
        scalar(source, node);
        break;
      case YAML::NodeType::Sequence:
        expect_tag(source, "seq");
        node.kind = Node::Kind::kList;
        for (const YAML::Node& item : source) node.items.push_back(convert(item, depth + 1));
        break;
      case YAML::NodeType::Map:
        expect_tag(source, "map");
        node.kind = Node::Kind::kMap;
        map(source, node, depth);
        break;
    }
    return node;
  }

 private:
  static void expect_tag(const YAML::Node& source, std::string_view expected) {
    const std::string& tag = source.Tag();
    if (tag.empty() || tag == "?" || tag == "!" || tag == std::string(kTagPrefix) + std::string(expected))
      return;
    throw LoadFailure{mark_of(source.Mark()), fmt::format("the tag {} has no meaning here", in_quotes(tag))};
  }

  static void assign(Node& node, const Scalar& scalar, std::string_view what) {
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
    } else if (std::holds_alternative<BadScalar>(scalar)) {
      throw LoadFailure{node.mark,
                        fmt::format("{} is not {}; quote it if it is text", in_quotes(node.text), what)};
    } else {
      node.kind = Kind::kString;
    }
  }

  static void scalar(const YAML::Node& source, Node& node) {
    node.text = source.Scalar();
    const std::string& tag = source.Tag();
    if (tag == "?" || tag.empty()) {
      assign(node, resolve_scalar(node.text), "a value that YAML 1.1 can read");
    } else if (tag == "!" || tag == "tag:yaml.org,2002:str") {
      node.kind = Node::Kind::kString;
    } else if (tag == "tag:yaml.org,2002:int") {
      assign(node, construct_integer(node.text), "an integer");
    } else if (tag == "tag:yaml.org,2002:float") {
      assign(node, construct_float(node.text), "a number");
    } else if (tag == "tag:yaml.org,2002:bool") {
      const Scalar value = resolve_scalar(node.text);
      assign(node, std::holds_alternative<bool>(value) ? value : Scalar(BadScalar{}), "a boolean");
    } else if (tag == "tag:yaml.org,2002:null") {
      node.kind = Node::Kind::kNull;
    } else {
      expect_tag(source, "str");
    }
  }

  // Entries of merged mappings come first, then the mapping's own; a later one replaces the value of an
  // earlier.
  void map(const YAML::Node& source, Node& node, int depth) {
    std::vector<NodeEntry> own;
    for (const auto& entry : source) {
      const YAML::Node& key = entry.first;
      if (!key.IsScalar() && !key.IsNull()) {
        throw LoadFailure{mark_of(key.Mark()), "a list or a mapping can't be a key"};
      }
      const bool plain = key.IsScalar() && (key.Tag() == "?" || key.Tag().empty());
      if (plain && std::holds_alternative<MergeScalar>(resolve_scalar(key.Scalar()))) {
        merge(convert(entry.second, depth + 1), node);
      } else {
        Node name = convert(key, depth + 1);
        own.push_back({std::move(name), convert(entry.second, depth + 1)});
      }
    }
    for (auto& entry : own) put(node, std::move(entry));
  }

  static void merge(const Node& merged, Node& node) {
    if (merged.is(Node::Kind::kMap)) {
      for (const auto& entry : merged.entries) put(node, entry);
      return;
    }
    if (!merged.is(Node::Kind::kList)) {
      throw LoadFailure{
          merged.mark, fmt::format("'<<' expects a mapping or a list of mappings, got {}", describe(merged))};
    }
    for (auto item = merged.items.rbegin(); item != merged.items.rend();
         ++item) {  // the first of the list wins
      if (!item->is(Node::Kind::kMap)) {
        throw LoadFailure{item->mark, fmt::format("'<<' expects a mapping, got {}", describe(*item))};
      }
      for (const auto& entry : item->entries) put(node, entry);
    }
  }

  static void put(Node& node, NodeEntry entry) {
    for (auto& [key, value] : node.entries) {
      if (key.kind == entry.key.kind && key.text == entry.key.text) {
        key.mark = entry.key.mark;
        value = std::move(entry.value);
        return;
      }
    }
    node.entries.push_back(std::move(entry));
  }

  int nodes_ = 0;
};

// yaml-cpp's message, with the usual cause where it is known.
std::string parser_sentence(const YAML::Exception& failure, const std::string& text) {
  std::string sentence = "not valid YAML: " + failure.msg;
  std::size_t start = 0;
  for (int line = 0; line < failure.mark.line && start != std::string::npos; ++line) {
    start = text.find('\n', start);
    if (start != std::string::npos) ++start;
  }
  if (failure.mark.is_null() || start == std::string::npos) return sentence;
  const std::string_view line = std::string_view(text).substr(start, text.find('\n', start) - start);
  if (line.find(": %") != std::string_view::npos)
    return sentence + " (a value that begins with % must be quoted)";
  if (line.substr(0, line.find_first_not_of(" \t")).find('\t') != std::string_view::npos) {
    return sentence + " (tabs can't be used to indent)";
  }
  return sentence;
}

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
    const std::vector<YAML::Node> documents = YAML::LoadAll(text);
    if (documents.size() > 1) {
      throw LoadFailure{mark_of(documents[1].Mark()), "a second document begins here; there may be only one"};
    }
    return documents.empty() ? Node{} : Converter().convert(documents[0]);
  } catch (const LoadFailure& failure) {
    diagnostics.error({failure.mark, ""}, failure.sentence);
  } catch (const YAML::Exception& failure) {
    diagnostics.error({mark_of(failure.mark), ""}, parser_sentence(failure, text));
  }
  return {};
}

}  // namespace logbus::sidecar
