// SPDX-License-Identifier: MIT
#include "sidecar/config.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include <fmt/format.h>

#include <logbus/error.h>

#include "base/unique_fd.h"
#include "sidecar/config_parts.h"

namespace logbus::sidecar {
namespace {

// A larger file is not a configuration.
constexpr std::size_t kLargestFile = 1 << 20;

void parse_version(Section& root) {
  const Node* version = root.find("version");
  if (version == nullptr) {
    root.diagnostics().error(root.place(), "the key 'version' is missing; write 'version: 1'");
    return;
  }
  const bool is_one = (version->is(Node::Kind::kInteger) && version->integer == 1) ||
                      (version->is(Node::Kind::kFloat) && version->real == 1.0) ||
                      (version->is(Node::Kind::kBool) && version->boolean);
  if (!is_one) root.expected("version", "1");
}

}  // namespace

Configuration parse_config(const std::string& text, Diagnostics& diagnostics) {
  Configuration configuration;
  Node document = load_yaml(text, diagnostics);
  if (diagnostics.failed()) return configuration;
  if (!document.is(Node::Kind::kMap)) {
    diagnostics.error({document.mark, ""},
                      document.is(Node::Kind::kNull)
                          ? "the file is empty"
                          : "expected a mapping with the key 'version', got " + describe(document));
    return configuration;
  }
  resolve_references(document, diagnostics);
  Section root(document, {document.mark, ""}, diagnostics);
  parse_version(root);
  root.truth("disable_existing_loggers");  // there are no loggers before the file is read
  parse_bus(root, configuration);
  if (root.truth("incremental").value_or(false)) {
    configuration.loggers.push_back({});  // root, which is always there
    parse_increment(root, configuration);
    return configuration;
  }
  parse_formatters(root, configuration);
  parse_filters(root, configuration);
  parse_handlers(root, configuration);
  parse_loggers(root, configuration);
  settle_queues(root, configuration);
  root.unknown_keys(
      Section::Unknown::kHint);  // Python's users keep values for cfg:// under keys of their own
  check_whole(root, configuration);
  if (!diagnostics.failed()) describe_handlers(document, configuration);
  return configuration;
}

Configuration load_config(const std::string& path, Diagnostics& diagnostics) {
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  ssize_t count = file.get() < 0 ? -1 : 1;
  while (count > 0 && text.size() <= kLargestFile) {
    char buffer[16384];
    count = ::read(file.get(), buffer, sizeof buffer);
    if (count > 0) text.append(buffer, static_cast<std::size_t>(count));
    if (count < 0 && errno == EINTR) count = 1;
  }
  if (count < 0) throw Error(errno, path);
  if (text.size() > kLargestFile) throw Error(fmt::format("{}: larger than {} bytes", path, kLargestFile));
  return parse_config(text, diagnostics);
}

}  // namespace logbus::sidecar
