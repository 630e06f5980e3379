// SPDX-License-Identifier: MIT
// libyaml's parser, one event at a time. It is PyYAML's own in C, so that both refuse the same files.
#pragma once

#include <stdexcept>
#include <string>

#include <yaml.h>

#include "sidecar/diagnostics.h"

namespace logbus::sidecar {

/// Why a document can't be read, and where.
struct YamlFailure : std::runtime_error {
  YamlFailure(Mark where, const std::string& sentence) : std::runtime_error(sentence), mark(where) {}
  Mark mark;
};

/// Borrows `text`.
class YamlEvents {
 public:
  explicit YamlEvents(const std::string& text);
  ~YamlEvents();
  YamlEvents(const YamlEvents&) = delete;
  YamlEvents& operator=(const YamlEvents&) = delete;

  /// Moves to the next event; not again after the stream's end. Throws YamlFailure.
  void next();
  const yaml_event_t& event() const noexcept { return event_; }
  /// Where the event begins.
  Mark mark() const noexcept;

 private:
  [[noreturn]] void fail() const;

  const std::string& text_;
  yaml_parser_t parser_;
  yaml_event_t event_;
  bool has_event_ = false;
};

}  // namespace logbus::sidecar
