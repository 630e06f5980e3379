// SPDX-License-Identifier: MIT
// What the comparison with PyYAML drives: reads documents, each ended by a NUL, and answers one line each.
#include <cmath>
#include <iostream>
#include <string>

#include <fmt/format.h>

#include "sidecar/yaml_node.h"

namespace {

using logbus::sidecar::Node;

void append_text(const std::string& text, std::string& out) {
  out += '"';
  for (const char c : text) {
    if (c >= ' ' && c <= '~' && c != '"' && c != '\\') {
      out += c;
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(c));
    }
  }
  out += '"';
}

// One spelling for each value, the same as the script's.
void append(const Node& node, std::string& out) {
  switch (node.kind) {
    case Node::Kind::kNull:
      out += "null";
      break;
    case Node::Kind::kBool:
      out += node.boolean ? "true" : "false";
      break;
    case Node::Kind::kInteger:
      fmt::format_to(std::back_inserter(out), "{}", node.integer);
      break;
    case Node::Kind::kFloat:
      out += std::isnan(node.real) ? "float nan" : fmt::format("float {:.17g}", node.real);
      break;
    case Node::Kind::kTimestamp:
      out += "date";
      break;
    case Node::Kind::kString:
      append_text(node.text, out);
      break;
    case Node::Kind::kList:
      out += '[';
      for (const Node& item : node.items) {
        append(item, out);
        out += ',';
      }
      out += ']';
      break;
    case Node::Kind::kMap:
      out += '{';
      for (const auto& [key, value] : node.entries) {
        append(key, out);
        out += ':';
        append(value, out);
        out += ',';
      }
      out += '}';
      break;
    case Node::Kind::kExternal:
    case Node::Kind::kInvalid:
      out += '?';
      break;
  }
}

}  // namespace

int main() {
  std::ios::sync_with_stdio(false);
  for (std::string document; std::getline(std::cin, document, '\0');) {
    logbus::sidecar::Diagnostics diagnostics("f");
    const Node node = logbus::sidecar::load_yaml(document, diagnostics);
    std::string answer;
    if (diagnostics.failed()) {
      answer = "refused: " + diagnostics.lines(false).front();
    } else {
      append(node, answer);
    }
    std::cout << answer << std::endl;
  }
}
