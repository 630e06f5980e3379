// SPDX-License-Identifier: MIT
// cfg:// and ext://, dictConfig's references to the document itself and to Python's names.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

#include "sidecar/yaml_node.h"

namespace logbus::sidecar {
namespace {

constexpr std::string_view kConfig = "cfg://";
constexpr std::string_view kExternal = "ext://";
// A reference may lead to a reference. A longer chain than this is a circle.
constexpr int kMaxChain = 16;
// References to values that hold references can multiply; a real file has a handful.
constexpr int kMaxReferences = 1000;

struct Constant {
  std::string_view name;
  std::int64_t value;
};
constexpr std::array kIntegers{
    Constant{"logging.CRITICAL", 50}, Constant{"logging.FATAL", 50}, Constant{"logging.ERROR", 40},
    Constant{"logging.WARNING", 30},  Constant{"logging.WARN", 30},  Constant{"logging.INFO", 20},
    Constant{"logging.DEBUG", 10},    Constant{"logging.NOTSET", 0},
};
// Objects that only the key they belong to can make sense of.
constexpr std::array<std::string_view, 4> kObjects{"sys.stdout", "sys.stderr", "time.gmtime",
                                                   "time.localtime"};

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Walks the path of a cfg:// string, by Python's rules (logging.config.BaseConfigurator.cfg_convert).
class PathWalk {
 public:
  PathWalk(const Node& root, std::string_view path) : at_(&root), rest_(path) {}

  // The node, or null with `problem` set.
  const Node* walk(std::string& problem) {
    skip_spaces();
    if (!step(take_word())) return fail(problem);
    while (!rest_.empty()) {
      if (rest_[0] == '.') {
        rest_.remove_prefix(1);
        skip_spaces();
        if (!step(take_word())) return fail(problem);
      } else if (rest_[0] == '[' && rest_.find(']') != std::string_view::npos) {
        const std::string_view index = rest_.substr(1, rest_.find(']') - 1);
        rest_.remove_prefix(index.size() + 2);
        skip_spaces();
        if (!step_index(index)) return fail(problem);
      } else {
        last_ = rest_;
        return fail(problem);
      }
    }
    return at_;
  }

 private:
  const Node* fail(std::string& problem) const {
    problem = last_.empty() ? "its path can't be read" : fmt::format("there is no '{}'", last_);
    return nullptr;
  }
  void skip_spaces() {
    while (!rest_.empty() && rest_[0] == ' ') rest_.remove_prefix(1);
  }
  std::string_view take_word() {
    std::size_t length = 0;
    while (length < rest_.size() && is_word(rest_[length])) ++length;
    const std::string_view word = rest_.substr(0, length);
    rest_.remove_prefix(length);
    skip_spaces();
    return word;
  }
  bool step(std::string_view key) {
    last_ = key;
    at_ = key.empty() ? nullptr : at_->find(key);
    return at_ != nullptr;
  }
  bool step_index(std::string_view index) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(index.data(), index.data() + index.size(), number);
    if (!at_->is(Node::Kind::kList) || error != std::errc() || end != index.data() + index.size())
      return step(index);
    last_ = index;
    at_ = number < at_->items.size() ? &at_->items[number] : nullptr;
    return at_ != nullptr;
  }

  const Node* at_;
  std::string_view rest_;
  std::string_view last_;
};

class Resolver {
 public:
  Resolver(const Node& original, Diagnostics& diagnostics) : original_(original), diagnostics_(diagnostics) {}

  void resolve(Node& node, const std::string& path, int chain = 0) {
    if (node.is(Node::Kind::kString) && node.text.starts_with(kConfig)) {
      config(node, path, chain);
    } else if (node.is(Node::Kind::kString) && node.text.starts_with(kExternal)) {
      external(node, path);
    }
    for (std::size_t i = 0; i < node.items.size(); ++i)
      resolve(node.items[i], fmt::format("{}[{}]", path, i), chain);
    for (auto& [key, value] : node.entries) resolve(value, path + "." + key.text, chain);
  }

 private:
  void config(Node& node, const std::string& path, int chain) {
    const Mark mark = node.mark;
    const std::string reference = node.text;
    if (chain >= kMaxChain || ++references_ > kMaxReferences) {
      diagnostics_.error({mark, path}, fmt::format("{} leads in a circle", in_quotes(reference)));
      invalidate(node, mark);
      return;
    }
    std::string problem;
    const Node* target =
        PathWalk(original_, std::string_view(reference).substr(kConfig.size())).walk(problem);
    if (target == nullptr) {
      diagnostics_.error({mark, path}, fmt::format("cannot resolve {}: {}", in_quotes(reference), problem));
      invalidate(node, mark);
      return;
    }
    node = Node(*target);
    node.mark = mark;
    resolve(node, path, chain + 1);
  }

  void external(Node& node, const std::string& path) {
    const std::string name = node.text.substr(kExternal.size());
    const auto integer =
        std::find_if(kIntegers.begin(), kIntegers.end(), [&](const Constant& c) { return c.name == name; });
    if (integer != kIntegers.end()) {
      node.kind = Node::Kind::kInteger;
      node.integer = integer->value;
    } else if (name == "os.devnull") {
      node.text = "/dev/null";
    } else if (std::find(kObjects.begin(), kObjects.end(), name) != kObjects.end()) {
      node.kind = Node::Kind::kExternal;
      node.text = name;
    } else {
      diagnostics_.error(
          {node.mark, path},
          fmt::format("cannot resolve {}: there are ext://sys.stdout, ext://sys.stderr, ext://time.gmtime, "
                      "ext://time.localtime, ext://os.devnull and ext://logging.INFO and its like",
                      in_quotes(node.text)));
      invalidate(node, node.mark);
    }
  }

  static void invalidate(Node& node, Mark mark) {
    node = Node{};
    node.kind = Node::Kind::kInvalid;
    node.mark = mark;
  }

  const Node& original_;
  Diagnostics& diagnostics_;
  int references_ = 0;
};

}  // namespace

void resolve_references(Node& root, Diagnostics& diagnostics) {
  const Node original = root;
  Resolver resolver(original, diagnostics);
  for (const std::string_view section : {"formatters", "filters", "handlers", "loggers", "root", "logbus"}) {
    if (Node* node = root.find(section)) resolver.resolve(*node, std::string(section));
  }
}

}  // namespace logbus::sidecar
