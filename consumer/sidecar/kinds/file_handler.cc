// SPDX-License-Identifier: MIT
// logging.FileHandler, and the keys that all handlers of files have.
#include <algorithm>
#include <array>

#include <logbus/error.h>

#include "handlers/text_encoder.h"
#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {
namespace {

void read_encoding(Section& section, FileOptions& options) {
  const auto refused = [&](std::string_view key, std::string_view encoding, std::string_view errors) {
    try {
      const handlers::TextEncoder encoder(encoding, errors);
      return false;
    } catch (const Error& error) {
      section.diagnostics().error(section.place(key), error.what());
      return true;
    }
  };
  options.encoding = section.string("encoding").value_or("utf-8");
  if (refused("encoding", options.encoding, "")) options.encoding = "utf-8";
  constexpr std::array<std::string_view, 7> kErrors{
      "strict",          "ignore",     "replace", "backslashreplace", "xmlcharrefreplace",
      "surrogateescape", "namereplace"};
  const auto errors = section.string("errors");
  if (!errors) return;
  if (std::find(kErrors.begin(), kErrors.end(), *errors) == kErrors.end()) {
    section.expected("errors", "one of " + enumerate({kErrors.begin(), kErrors.end()}));
  } else if (!refused("errors", options.encoding, *errors)) {
    options.errors = *errors;
  }
}

}  // namespace

FileOptions read_file_options(HandlerReading& reading) {
  Section& section = reading.section;
  FileOptions options;
  if (const auto name = section.string("filename")) {
    options.filename = *name;
    if (name->empty() || name->find('\0') != std::string::npos) section.expected("filename", "a file's name");
  } else if (const Node* given = section.find("filename"); given == nullptr || given->is(Node::Kind::kNull)) {
    section.diagnostics().error(section.place(), "the key 'filename' is missing");
  }
  if (const auto mode = section.string("mode")) {
    options.mode = *mode;
    if (!is_file_mode(*mode)) section.expected("mode", "\"a\", \"w\" or \"x\"");
  }
  read_encoding(section, options);
  if (const auto delay = section.truth("delay")) options.delay = *delay;
  reading.settings.file = {options.filename, section.place("filename"), options.delay};
  return options;
}

FileOptions options_for(const FileOptions& options, const Making& making) {
  FileOptions changed = options;
  if (making.continues_file || making.was_in_use) changed.mode = "a";
  // What writes it now may have a queue to write, and rename the file yet.
  if (making.continues_file) changed.delay = true;
  return changed;
}

void read_file_handler(HandlerReading& reading) {
  const FileOptions options = read_file_options(reading);
  reading.settings.make = [options, attributes = read_line_attributes(reading)](const Making& making) {
    return attributes.apply(std::make_shared<FileHandler>(options_for(options, making)));
  };
}

}  // namespace logbus::sidecar
