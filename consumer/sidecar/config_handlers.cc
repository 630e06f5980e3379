// SPDX-License-Identifier: MIT
// The section `handlers`.
#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include "sidecar/config_parts.h"

namespace logbus::sidecar {
namespace {

struct KnownClass {
  std::string_view name;
  HandlerClass handler_class;
};
constexpr std::array kClasses{
    KnownClass{"logging.StreamHandler", HandlerClass::kStream},
    KnownClass{"logging.FileHandler", HandlerClass::kFile},
    KnownClass{"logging.NullHandler", HandlerClass::kNull},
    KnownClass{"logging.handlers.RotatingFileHandler", HandlerClass::kRotatingFile},
    KnownClass{"logging.handlers.QueueHandler", HandlerClass::kQueue},
};
// Python has these too; a file that names one is right, but not for this version.
constexpr std::array<std::string_view, 10> kPythonOnly{
    "logging.handlers.BufferingHandler",
    "logging.handlers.DatagramHandler",
    "logging.handlers.HTTPHandler",
    "logging.handlers.MemoryHandler",
    "logging.handlers.NTEventLogHandler",
    "logging.handlers.SMTPHandler",
    "logging.handlers.SocketHandler",
    "logging.handlers.SysLogHandler",
    "logging.handlers.TimedRotatingFileHandler",
    "logging.handlers.WatchedFileHandler",
};

std::string_view last_part(std::string_view dotted) {
  return dotted.substr(dotted.rfind('.') + 1);
}

std::optional<HandlerClass> find_class(Section& section) {
  const std::optional<std::string> factory = section.string("()");
  const std::optional<std::string> class_name = section.string("class");
  const std::string_view key = factory ? "()" : "class";
  const std::optional<std::string>& name = factory ? factory : class_name;
  if (!name) {
    if (section.value("class") == nullptr && section.value("()") == nullptr) {
      section.diagnostics().error(section.place(), "the key 'class' is missing");
    }
    return std::nullopt;
  }
  std::vector<std::string_view> names;
  for (const KnownClass& known : kClasses) {
    if (known.name == *name) return known.handler_class;
    names.push_back(known.name);
  }
  std::string sentence;
  if (std::find(kPythonOnly.begin(), kPythonOnly.end(), *name) != kPythonOnly.end()) {
    sentence = fmt::format("{} is not in this version; there are {}", *name, enumerate(names));
  } else {
    const auto same = std::find_if(names.begin(), names.end(), [&](std::string_view known) {
      return last_part(known) == last_part(*name);
    });
    const std::string hint =
        same != names.end() ? fmt::format("; did you mean '{}'?", *same) : suggestion(*name, names);
    sentence = fmt::format("unknown class {}{}", in_quotes(*name),
                           hint.empty() ? "; there are " + enumerate(names) : hint);
  }
  section.diagnostics().error(section.place(key), sentence);
  return std::nullopt;
}

void stream(Section& section, HandlerSettings& settings) {
  const Node* node = section.value("stream");
  if (node == nullptr) return;
  if (node->is(Node::Kind::kExternal) && (node->text == "sys.stdout" || node->text == "sys.stderr")) {
    settings.to_stdout = node->text == "sys.stdout";
  } else {
    section.expected("stream", "ext://sys.stdout or ext://sys.stderr");
  }
}

// What is written is always UTF-8, in which every record's text can be written: what to do about text that
// can't be is accepted and has no effect.
void encoding(Section& section) {
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

void file(Section& section, HandlerSettings& settings) {
  if (const auto name = section.string("filename")) {
    settings.filename = *name;
    if (name->empty() || name->find('\0') != std::string::npos) section.expected("filename", "a file's name");
  } else if (section.value("filename") == nullptr) {
    section.diagnostics().error(section.place(), "the key 'filename' is missing");
  }
  settings.filename_place = section.place("filename");
  if (const auto mode = section.string("mode")) {
    if (*mode == "a" || *mode == "w") {
      settings.mode = *mode;
    } else {
      section.expected("mode", "\"a\" or \"w\"");
    }
  }
  encoding(section);
  if (const auto delay = section.boolean("delay")) settings.delay = *delay;
}

// The attributes under `.`, which Python sets on the handler it has made.
void attributes(Section& section, HandlerSettings& settings) {
  std::optional<Section> found = section.section(".");
  if (!found) return;
  const bool writes_lines =
      settings.handler_class != HandlerClass::kNull && settings.handler_class != HandlerClass::kQueue;
  if (writes_lines) {
    if (const auto text = found->string("terminator")) settings.terminator = *text;
  }
  found->not_in_this_version("namer");
  found->not_in_this_version("rotator");
  found->unknown_keys(Section::Unknown::kRefuse);
}

void queue(Section& section, HandlerSettings& settings, const std::vector<std::string>& names) {
  settings.handlers = section.names("handlers", "handler", names);
  if (const auto flag = section.boolean("respect_handler_level")) settings.respect_handler_level = *flag;
  for (const std::string_view key : {"queue", "listener"}) {
    if (section.value(key) != nullptr)
      section.diagnostics().warning(section.place(key), "ignored: the bus takes its place");
  }
  if (!settings.formatter.empty()) {
    section.diagnostics().warning(section.place("formatter"),
                                  "ignored: the bus carries message and arguments unmerged");
  }
  if (settings.handlers.empty() && section.value("handlers") == nullptr) {
    section.diagnostics().error(section.place(), "a QueueHandler without 'handlers' is not in this version");
  }
}

HandlerSettings parse_handler(const std::string& name, Section& section, const Configuration& configuration,
                              const std::vector<std::string>& names) {
  HandlerSettings settings;
  settings.name = name;
  settings.place = section.place();
  const std::optional<HandlerClass> handler_class = find_class(section);
  std::vector<std::string> formatters, filters;
  for (const FormatterSettings& formatter : configuration.formatters) formatters.push_back(formatter.name);
  for (const FilterSettings& filter : configuration.filters) filters.push_back(filter.name);
  settings.level = section.level("level").value_or(Level::kNotSet);
  settings.formatter = section.name("formatter", "formatter", formatters);
  settings.filters = section.names("filters", "filter", filters);
  if (!handler_class) return settings;  // which keys it takes is not known
  settings.handler_class = *handler_class;
  switch (*handler_class) {
    case HandlerClass::kStream:
      stream(section, settings);
      break;
    case HandlerClass::kFile:
      file(section, settings);
      break;
    case HandlerClass::kRotatingFile:
      file(section, settings);
      settings.max_bytes = static_cast<std::uint64_t>(
          section.integer("maxBytes", 0, std::numeric_limits<std::int64_t>::max()).value_or(0));
      settings.backup_count = static_cast<int>(
          section.integer("backupCount", 0, std::numeric_limits<int>::max() - 1).value_or(0));
      break;
    case HandlerClass::kQueue:
      queue(section, settings, names);
      break;
    case HandlerClass::kNull:
      break;
  }
  attributes(section, settings);
  section.unknown_keys(Section::Unknown::kRefuse);
  return settings;
}

}  // namespace

void parse_handlers(Section& root, Configuration& configuration) {
  auto sections = root.sections("handlers");
  std::sort(sections.begin(), sections.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> names;
  for (const auto& [name, section] : sections) names.push_back(name);
  for (auto& [name, section] : sections) {
    configuration.handlers.push_back(parse_handler(name, section, configuration, names));
  }
}

}  // namespace logbus::sidecar
