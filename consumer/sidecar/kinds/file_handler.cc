// SPDX-License-Identifier: MIT
// logging.FileHandler, and the keys that all handlers of files have.
#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {
namespace {

// What is written is always UTF-8, in which every record's text can be written: what to do about text that
// can't be is accepted and has no effect.
void check_encoding(Section& section) {
  std::string name = section.string("encoding").value_or("utf-8");
  for (char& c : name) c = c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (name != "utf-8" && name != "utf8") {
    section.diagnostics().error(section.place("encoding"),
                                fmt::format("{} is not in this version; there is utf-8", in_quotes(name)));
  }
  constexpr std::array<std::string_view, 7> kErrors{
      "strict",          "ignore",     "replace", "backslashreplace", "xmlcharrefreplace",
      "surrogateescape", "namereplace"};
  const auto errors = section.string("errors");
  if (errors && std::find(kErrors.begin(), kErrors.end(), *errors) == kErrors.end()) {
    section.expected("errors", "one of " + enumerate({kErrors.begin(), kErrors.end()}));
  }
}

}  // namespace

FileOptions read_file_options(HandlerReading& reading) {
  Section& section = reading.section;
  FileOptions options;
  if (const auto name = section.string("filename")) {
    options.filename = *name;
    if (name->empty() || name->find('\0') != std::string::npos) section.expected("filename", "a file's name");
  } else if (section.value("filename") == nullptr) {
    section.diagnostics().error(section.place(), "the key 'filename' is missing");
  }
  if (const auto mode = section.string("mode")) {
    options.mode = *mode;
    if (*mode != "a" && *mode != "w") section.expected("mode", "\"a\" or \"w\"");
  }
  check_encoding(section);
  if (const auto delay = section.truth("delay")) options.delay = *delay;
  reading.settings.file = {options.filename, section.place("filename"), options.delay};
  return options;
}

FileOptions options_for(const FileOptions& options, const Making& making) {
  FileOptions changed = options;
  if (making.continues_file) changed.mode = "a";
  return changed;
}

void read_file_handler(HandlerReading& reading) {
  const FileOptions options = read_file_options(reading);
  reading.settings.make = [options, attributes = read_line_attributes(reading)](const Making& making) {
    return attributes.apply(std::make_shared<FileHandler>(options_for(options, making)));
  };
}

}  // namespace logbus::sidecar
