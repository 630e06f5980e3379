// SPDX-License-Identifier: MIT
// A configuration's text, what is read from it and what is said about it.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "sidecar/config.h"

namespace logbus::sidecar {

using Lines = std::vector<std::string>;

/// All that is said about the text, notes too.
inline Lines said_about(const std::string& text) {
  Diagnostics diagnostics("f.yaml");
  parse_config(text, diagnostics);
  return diagnostics.lines(true);
}

/// The errors and warnings.
inline Lines wrong_with(const std::string& text) {
  Diagnostics diagnostics("f.yaml");
  parse_config(text, diagnostics);
  return diagnostics.lines(false);
}

/// Of a text about which nothing is to be said but notes.
inline Configuration good(const std::string& text) {
  Diagnostics diagnostics("f.yaml");
  Configuration configuration = parse_config(text, diagnostics);
  for (const std::string& line : diagnostics.lines(false)) ADD_FAILURE() << line;
  return configuration;
}

inline const HandlerSettings& handler(const Configuration& configuration, std::string_view name) {
  for (const HandlerSettings& settings : configuration.handlers) {
    if (settings.name == name) return settings;
  }
  throw std::out_of_range(std::string(name));
}

/// The handler that the settings of this name make. With the key delay it opens nothing.
template <class Made>
std::shared_ptr<Made> made(const Configuration& configuration, std::string_view name) {
  auto result = std::dynamic_pointer_cast<Made>(handler(configuration, name).make({}));
  if (result == nullptr) throw std::runtime_error(std::string(name) + " is of another class");
  return result;
}

}  // namespace logbus::sidecar
