// SPDX-License-Identifier: MIT
// Section::unknown_keys: keys that nobody has asked for.
#include <algorithm>

#include <fmt/format.h>

#include "sidecar/config_section.h"

namespace logbus::sidecar {
namespace {

// Attributes of Python's handlers and formatters: to set one changes what it does. Those with a `_`, too.
bool has_effect(std::string_view attribute) {
  static constexpr std::string_view kEffective[] = {"atTime",
                                                    "backupCount",
                                                    "baseFilename",
                                                    "buffer",
                                                    "capacity",
                                                    "context",
                                                    "converter",
                                                    "credentials",
                                                    "datefmt",
                                                    "dayOfWeek",
                                                    "default_msec_format",
                                                    "default_time_format",
                                                    "delay",
                                                    "dev",
                                                    "encoding",
                                                    "errors",
                                                    "exc_info_as_array",
                                                    "extMatch",
                                                    "filters",
                                                    "flushLevel",
                                                    "flushOnClose",
                                                    "formatter",
                                                    "host",
                                                    "ino",
                                                    "interval",
                                                    "json_default",
                                                    "json_encoder",
                                                    "json_ensure_ascii",
                                                    "json_indent",
                                                    "json_serializer",
                                                    "level",
                                                    "listener",
                                                    "lock",
                                                    "maxBytes",
                                                    "method",
                                                    "mode",
                                                    "name",
                                                    "namer",
                                                    "prefix",
                                                    "queue",
                                                    "rename_fields",
                                                    "reserved_attrs",
                                                    "rolloverAt",
                                                    "rotator",
                                                    "secure",
                                                    "stack_info_as_array",
                                                    "static_fields",
                                                    "stream",
                                                    "suffix",
                                                    "target",
                                                    "terminator",
                                                    "timestamp",
                                                    "url",
                                                    "utc",
                                                    "when"};
  return attribute.starts_with('_') ||
         std::find(std::begin(kEffective), std::end(kEffective), attribute) != std::end(kEffective);
}

}  // namespace

void Section::unknown_keys(Unknown policy) {
  const auto contains = [](const std::vector<std::string_view>& keys, std::string_view key) {
    return std::find(keys.begin(), keys.end(), key) != keys.end();
  };
  for (const auto& [key, value] : node_->entries) {
    const bool text = key.is(Node::Kind::kString);
    if (text && (contains(known_, key.text) || contains(refused_, key.text))) continue;
    const Place where{key.mark, path_of(key.text)};
    // `on:` is the boolean true in YAML 1.1, and so not the word that its writer sees.
    const std::string got =
        text ? "unknown key" : fmt::format("unknown key, {} (quote it if it is text)", describe(key));
    const std::string hint = text ? suggestion(key.text, known_) : "";
    std::vector<std::string_view> sorted = known_;
    std::sort(sorted.begin(), sorted.end());
    const std::string known = sorted.empty() ? "; there are none" : "; there are " + enumerate(sorted);
    const bool forgives = policy == Unknown::kForgive || policy == Unknown::kAttribute;
    const bool effective = policy == Unknown::kAttribute && (!text || has_effect(key.text));
    if (policy == Unknown::kRefuse || effective || (forgives && !hint.empty())) {
      diagnostics_->error(where, got + (hint.empty() ? known : hint));
    } else if (policy == Unknown::kAttribute) {
      diagnostics_->warning(where, got + ", which nobody reads" + known);
    } else if (policy == Unknown::kForgive || !hint.empty()) {
      diagnostics_->warning(where, got + ", ignored" + hint);
    }
  }
}

}  // namespace logbus::sidecar
