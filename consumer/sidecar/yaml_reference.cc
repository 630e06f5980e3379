// SPDX-License-Identifier: MIT
// cfg:// and ext://, dictConfig's references to the document itself and to Python's names.
#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <optional>
#include <utility>

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
    Constant{"logging.CRITICAL", 50},
    Constant{"logging.FATAL", 50},
    Constant{"logging.ERROR", 40},
    Constant{"logging.WARNING", 30},
    Constant{"logging.WARN", 30},
    Constant{"logging.INFO", 20},
    Constant{"logging.DEBUG", 10},
    Constant{"logging.NOTSET", 0},
    Constant{"logging.handlers.DEFAULT_HTTP_LOGGING_PORT", 9022},
    Constant{"logging.handlers.DEFAULT_SOAP_LOGGING_PORT", 9023},
    Constant{"logging.handlers.DEFAULT_TCP_LOGGING_PORT", 9020},
    Constant{"logging.handlers.DEFAULT_UDP_LOGGING_PORT", 9021},
    Constant{"logging.handlers.SYSLOG_TCP_PORT", 514},
    Constant{"logging.handlers.SYSLOG_UDP_PORT", 514},
    Constant{"socket.SOCK_DGRAM", 2},
    Constant{"socket.SOCK_STREAM", 1},
};

// RFC 5424's numbers, by the names that SysLogHandler has for them.
constexpr std::string_view kSysLog = "logging.handlers.SysLogHandler.LOG_";
constexpr std::array kSysLogIntegers{
    Constant{"EMERG", 0},   Constant{"ALERT", 1},     Constant{"CRIT", 2},      Constant{"ERR", 3},
    Constant{"WARNING", 4}, Constant{"NOTICE", 5},    Constant{"INFO", 6},      Constant{"DEBUG", 7},
    Constant{"KERN", 0},    Constant{"USER", 1},      Constant{"MAIL", 2},      Constant{"DAEMON", 3},
    Constant{"AUTH", 4},    Constant{"SYSLOG", 5},    Constant{"LPR", 6},       Constant{"NEWS", 7},
    Constant{"UUCP", 8},    Constant{"CRON", 9},      Constant{"AUTHPRIV", 10}, Constant{"FTP", 11},
    Constant{"NTP", 12},    Constant{"SECURITY", 13}, Constant{"CONSOLE", 14},  Constant{"SOLCRON", 15},
    Constant{"LOCAL0", 16}, Constant{"LOCAL1", 17},   Constant{"LOCAL2", 18},   Constant{"LOCAL3", 19},
    Constant{"LOCAL4", 20}, Constant{"LOCAL5", 21},   Constant{"LOCAL6", 22},   Constant{"LOCAL7", 23},
};

struct Name {
  std::string_view name;
  std::string_view value;
};
constexpr std::array kTexts{
    Name{"logging.BASIC_FORMAT", "%(levelname)s:%(name)s:%(message)s"},
    Name{"os.devnull", "/dev/null"},
};
// Objects that only the key they belong to can make sense of, and what stands for them.
constexpr std::array kObjects{
    Name{"flask.logging.wsgi_errors_stream", "sys.stderr"},
    Name{"sys.__stderr__", "sys.stderr"},
    Name{"sys.__stdout__", "sys.stdout"},
    Name{"sys.stderr", "sys.stderr"},
    Name{"sys.stdout", "sys.stdout"},
    Name{"time.gmtime", "time.gmtime"},
    Name{"time.localtime", "time.localtime"},
};

std::optional<std::int64_t> find_integer(std::string_view name) {
  const auto in = [](const auto& constants, std::string_view wanted) -> std::optional<std::int64_t> {
    for (const Constant& constant : constants) {
      if (constant.name == wanted) return constant.value;
    }
    return std::nullopt;
  };
  if (name.starts_with(kSysLog)) return in(kSysLogIntegers, name.substr(kSysLog.size()));
  return in(kIntegers, name);
}

template <std::size_t kCount>
std::optional<std::string> find_text(const std::array<Name, kCount>& names, std::string_view wanted) {
  for (const Name& name : names) {
    if (name.name == wanted) return std::string(name.value);
  }
  return std::nullopt;
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80;
}

// Walks the path of a cfg:// string, by Python's rules (logging.config.BaseConfigurator.cfg_convert).
class PathWalk {
 public:
  PathWalk(const Node& root, std::string_view path, int chain = 0)
      : root_(&root), at_(&root), rest_(path), chain_(chain) {}

  // The node, or null with `problem` set.
  const Node* walk(std::string& problem) {
    skip_spaces();
    if (!step(take_word())) return fail(problem);
    while (!rest_.empty()) {
      if (!follow(problem)) return nullptr;
      if (rest_[0] == '.') {
        rest_.remove_prefix(1);
        skip_spaces();
        if (!step(take_word())) return fail(problem);
      } else if (rest_[0] == '[' && rest_.find(']') != std::string_view::npos) {
        const std::string_view index = rest_.substr(1, rest_.find(']') - 1);
        rest_.remove_prefix(index.size() + 2);
        skip_spaces();
        if (index.find('[') != std::string_view::npos || !step_index(index)) return fail(problem);
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
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_[0])) != 0) rest_.remove_prefix(1);
  }
  // A reference in the middle of the way is gone through.
  bool follow(std::string& problem) {
    if (!at_->is(Node::Kind::kString) || !at_->text.starts_with(kConfig)) return true;
    if (chain_ >= kMaxChain) {
      problem = "it leads in a circle";
      return false;
    }
    at_ = PathWalk(*root_, std::string_view(at_->text).substr(kConfig.size()), chain_ + 1).walk(problem);
    return at_ != nullptr;
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
  // Digits are a number: of an item, or a key that is one.
  bool step_index(std::string_view index) {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(index.data(), index.data() + index.size(), number);
    if (index.starts_with('-') || error != std::errc() || end != index.data() + index.size()) {
      last_ = index;
      at_ = at_->find(index);
      return at_ != nullptr;
    }
    last_ = index;
    const Node& node = *at_;
    at_ = nullptr;
    if (node.is(Node::Kind::kList)) {
      if (static_cast<std::size_t>(number) < node.items.size())
        at_ = &node.items[static_cast<std::size_t>(number)];
    } else {
      for (const auto& [key, value] : node.entries) {
        if (key.is(Node::Kind::kInteger) && key.integer == number) at_ = &value;
      }
    }
    return at_ != nullptr;
  }

  const Node* root_;
  const Node* at_;
  std::string_view rest_;
  std::string_view last_;
  int chain_;  // references gone through
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
    for (auto& [key, value] : node.entries) {
      // Which classes there are is not known here: the name is judged where it is used.
      const bool names_class = key.text == "class" || key.text == "()";
      if (names_class && value.is(Node::Kind::kString) && value.text.starts_with(kExternal))
        value.text.erase(0, kExternal.size());
      resolve(value, path + "." + key.text, chain);
    }
  }

 private:
  void config(Node& node, const std::string& path, int chain) {
    const Mark mark = node.mark;
    const std::string reference = node.text;
    if (chain >= kMaxChain || ++references_ > kMaxReferences) {
      diagnostics_.error({mark, path}, fmt::format("{} leads in a circle", quoted(reference, path)));
      invalidate(node, mark);
      return;
    }
    std::string problem;
    const Node* target =
        PathWalk(original_, std::string_view(reference).substr(kConfig.size())).walk(problem);
    if (target == nullptr) {
      diagnostics_.error({mark, path}, is_secret(path) ? "cannot resolve what stands here"
                                                       : fmt::format("cannot resolve {}: {}",
                                                                     in_quotes(reference), problem));
      invalidate(node, mark);
      return;
    }
    node = Node(*target);
    node.mark = mark;
    resolve(node, path, chain + 1);
  }

  void external(Node& node, const std::string& path) {
    const std::string name = node.text.substr(kExternal.size());
    if (const auto integer = find_integer(name)) {
      node.kind = Node::Kind::kInteger;
      node.integer = *integer;
    } else if (auto text = find_text(kTexts, name)) {
      node.text = std::move(*text);
    } else if (auto object = find_text(kObjects, name)) {
      node.kind = Node::Kind::kExternal;
      node.text = std::move(*object);
    } else {
      diagnostics_.error(
          {node.mark, path},
          fmt::format("cannot resolve {}: there are ext://sys.stdout, ext://sys.stderr, ext://time.gmtime, "
                      "ext://time.localtime, ext://os.devnull, and the constants of logging, SysLogHandler "
                      "and socket",
                      quoted(node.text, path)));
      invalidate(node, node.mark);
    }
  }

  static std::string quoted(std::string_view text, std::string_view path) {
    return is_secret(path) ? "what stands here" : in_quotes(text);
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
