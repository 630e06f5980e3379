// SPDX-License-Identifier: MIT
// Any text as a configuration: an answer, soon; one line each, for a terminal; and no password in it.
#include "once.h"

#include <logbus/error.h>
#include "sidecar/config.h"
#include "sidecar/diagnostics.h"

namespace logbus::fuzz {
namespace {

// Wherever an input has this under `credentials`, it is a password.
constexpr std::string_view kSecret = "S3CR3T";

/// Only where it is one: as the value of the key, on its line.
bool only_in_credentials(const std::string& text) {
  // Within another value it is a part of that: the text is one about what encloses it.
  if (text.find_first_of("\"'{|>") != text.npos) return false;
  for (std::size_t at = text.find(kSecret); at != text.npos; at = text.find(kSecret, at + 1)) {
    const std::size_t line = text.rfind('\n', at) + 1;
    const std::string_view before = std::string_view(text).substr(line, at - line);
    const std::size_t key = before.find("credentials: [user, ");
    if (key == before.npos || before.find_first_not_of(' ') != key || at != line + key + 20) return false;
    if (text.compare(at + kSecret.size(), 2, "]\n") != 0) return false;
  }
  return true;
}

}  // namespace

void config_once(Bytes bytes) {
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  sidecar::Diagnostics diagnostics("f.yaml");
  try {
    (void)sidecar::parse_config(text, diagnostics);
  } catch (const Error&) {
  }
  const bool secret = only_in_credentials(text);
  for (const std::string& line : diagnostics.lines(true)) {
    for (const char c : line)
      require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "a message is a line for a terminal");
    require(line.find("\xc2\x9b") == line.npos, "a message holds no C1 control");
    if (secret) require(line.find(kSecret) == line.npos, "no message tells a password");
  }
}

}  // namespace logbus::fuzz
