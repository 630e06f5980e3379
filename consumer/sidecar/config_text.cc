// SPDX-License-Identifier: MIT
// A handler's settings as one text: a reload keeps the handlers whose text is still the same.
#include <array>

#include <fmt/format.h>

#include "sidecar/config_parts.h"

namespace logbus::sidecar {
namespace {

void append(const Node& node, std::string& out) {
  switch (node.kind) {
    case Node::Kind::kList:
      out += '[';
      for (const Node& item : node.items) append(item, out);
      out += ']';
      return;
    case Node::Kind::kMap:
      out += '{';
      for (const auto& [key, value] : node.entries) {
        append(key, out);
        append(value, out);
      }
      out += '}';
      return;
    case Node::Kind::kInteger:  // of a reference's value there is no text
      out += fmt::format("{} ", node.integer);
      return;
    default:
      out += fmt::format("{}:{}:{} ", static_cast<int>(node.kind), node.text.size(), node.text);
  }
}

// Level and formatter are not in it: they are set anew on a handler that is kept.
void append_handler(const Node& section, std::string& out) {
  for (const auto& [key, value] : section.entries) {
    if (key.text == "level" || key.text == "formatter") continue;
    append(key, out);
    append(value, out);
  }
}

}  // namespace

void describe_handlers(const Node& document, Configuration& configuration) {
  const BusSettings& bus = configuration.bus;
  const std::string common = fmt::format("{} {} {} ", bus.compatibility.strict,
                                         bus.compatibility.python_minor, bus.prepares_like_python);
  const std::string queue =
      fmt::format("queue {} {} {} ", bus.async.capacity, bus.async.blocks, bus.async.block_timeout.count());
  const Node* sections = document.find("handlers");
  const Node* filters = document.find("filters");
  for (HandlerSettings& handler : configuration.handlers) {
    handler.text = common;
    append_handler(*sections->find(handler.name), handler.text);
    if (handler.queue) handler.text += handler.queue->is_bus ? "bus " : queue;
    for (const std::string& filter : handler.filters) append(*filters->find(filter), handler.text);
    for (const std::string& target : handler.targets) {  // those come first, and have theirs
      for (const HandlerSettings& other : configuration.handlers)
        if (other.name == target) handler.text += "<" + other.text + ">";
    }
  }
}

}  // namespace logbus::sidecar
