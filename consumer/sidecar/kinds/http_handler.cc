// SPDX-License-Identifier: MIT
// logging.handlers.HTTPHandler.
#include <logbus/http_handler.h>

#include <algorithm>

#include <logbus/json_formatter.h>

#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {
namespace {

std::string required_text(Section& section, std::string_view key) {
  const Node* node = section.find(key);
  if (node == nullptr) {
    section.diagnostics().error(section.place(), "the key '" + std::string(key) + "' is missing");
  } else if (node->is(Node::Kind::kNull)) {
    section.expected(key, "a string");
  }
  return section.string(key).value_or("");
}

void advise(HandlerReading& reading, const HTTPOptions& options) {
  Section& section = reading.section;
  if (options.credentials && !options.secure && !is_this_machine(options.host)) {
    section.diagnostics().warning(section.place("credentials"),
                                  "go over the network as clear text; see the key 'secure'");
  }
  const std::string& name = reading.settings.formatter;
  if (name.empty()) return;
  if (options.body == HTTPOptions::Body::kForm) {
    section.diagnostics().warning(section.place("formatter"),
                                  "a form has the record's attributes, and no text");
    return;
  }
  const auto& all = reading.formatters;
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const FormatterSettings& entry) { return entry.name == name; });
  if (found != all.end() && dynamic_cast<const JsonFormatter*>(found->formatter.get()) == nullptr) {
    section.diagnostics().warning(section.place("formatter"),
                                  "writes no JSON, which a server will look for in 'body: json'");
  }
}

}  // namespace

void read_http_handler(HandlerReading& reading) {
  Section& section = reading.section;
  const std::size_t errors = section.diagnostics().errors();
  HTTPOptions options;
  options.host = required_text(section, "host");
  options.url = required_text(section, "url");
  options.method = section.string("method").value_or("GET");
  options.secure = section.truth("secure").value_or(false);
  options.credentials = read_credentials(section, "credentials");
  if (std::optional<Section> context = section.section("context"))
    read_tls_options(*context, options.context.emplace());
  if (const auto body = section.choice("body", {"form", "json"}))
    options.body = *body == 1 ? HTTPOptions::Body::kJson : HTTPOptions::Body::kForm;
  if (const auto batch = section.integer("batch", 1, 100'000))
    options.batch = static_cast<std::size_t>(*batch);
  options.requests = read_request_options(reading);
  if (section.diagnostics().errors() == errors) {
    if (const std::string wrong = wrong_with(options); !wrong.empty()) refuse_options(section, wrong);
  }
  advise(reading, options);
  reading.settings.make = [options](const Making&) { return std::make_shared<HTTPHandler>(options); };
}

}  // namespace logbus::sidecar
