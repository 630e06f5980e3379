// SPDX-License-Identifier: MIT
// logging.handlers.SMTPHandler.
#include <logbus/smtp_handler.h>

#include <algorithm>

#include "sidecar/config_values.h"
#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {
namespace {

bool missing(Section& section, std::string_view key) {
  const Node* node = section.find(key);
  if (node != nullptr && !node->is(Node::Kind::kNull)) return false;
  section.diagnostics().error(section.place(), "the key '" + std::string(key) + "' is missing");
  return true;
}

// "host", or [host, port], where a port that is null or 0 is 25.
void read_mailhost(Section& section, SMTPOptions& options) {
  if (missing(section, "mailhost")) return;
  const Node& node = *section.find("mailhost");
  if (node.is(Node::Kind::kString)) {
    options.mailhost = node.text;
    return;
  }
  const bool pair =
      node.is(Node::Kind::kList) && node.items.size() == 2 && node.items[0].is(Node::Kind::kString);
  const bool no_port = pair && node.items[1].is(Node::Kind::kNull);
  if (!pair || (!no_port && (!node.items[1].is(Node::Kind::kInteger) || node.items[1].integer < 0 ||
                             node.items[1].integer > 65535))) {
    section.expected("mailhost", "a host, or a list of a host and a port");
    return;
  }
  options.mailhost = node.items[0].text;
  if (!no_port && node.items[1].integer != 0)
    options.port = static_cast<std::uint16_t>(node.items[1].integer);
}

void read_toaddrs(Section& section, SMTPOptions& options) {
  if (missing(section, "toaddrs")) return;
  const Node& node = *section.find("toaddrs");
  if (node.is(Node::Kind::kString)) {
    options.toaddrs = {node.text};
  } else if (const auto addresses = read_strings(section, "toaddrs")) {
    options.toaddrs = *addresses;
  }
}

// Python's (), (keyfile,) or (keyfile, certfile), or a mapping.
std::optional<TlsOptions> read_secure(Section& section) {
  const Node* node = section.value("secure");
  if (node == nullptr) return std::nullopt;
  if (node->is(Node::Kind::kMap)) {
    Section tls(*node, section.place("secure"), section.diagnostics());
    TlsOptions options;
    read_tls_options(tls, options);
    return options;
  }
  TlsOptions tls;
  const auto files = node->is(Node::Kind::kList) ? read_strings(section, "secure") : std::nullopt;
  if (node->is(Node::Kind::kList) && !files) return std::nullopt;
  if (!files || files->size() > 2) {
    section.expected("secure", "[], [KEYFILE], [KEYFILE, CERTFILE], or a mapping such as {ca_certs: FILE}");
    return std::nullopt;
  }
  if (!files->empty()) tls.keyfile = files->front();
  if (files->size() == 2) tls.certfile = files->back();
  if (!tls.keyfile.empty() && tls.certfile.empty()) tls.certfile = tls.keyfile;  // a file of both
  try {
    check_tls_files(tls);
  } catch (const TlsFileError& error) {
    section.diagnostics().error(section.place("secure"), error.what());
  }
  return tls;
}

void advise(Section& section, const SMTPOptions& options) {
  if (options.credentials && !options.secure && !is_this_machine(options.mailhost)) {
    section.diagnostics().warning(section.place("credentials"),
                                  "go over the network as clear text; 'secure: []' asks for TLS");
  }
  if (options.secure && !options.credentials) {
    section.diagnostics().warning(section.place("secure"),
                                  "has no effect without credentials, as in Python: mails go as clear text");
  }
}

}  // namespace

void read_smtp_handler(HandlerReading& reading) {
  Section& section = reading.section;
  const std::size_t errors = section.diagnostics().errors();
  SMTPOptions options;
  read_mailhost(section, options);
  if (!missing(section, "fromaddr")) options.fromaddr = section.string("fromaddr").value_or("");
  read_toaddrs(section, options);
  if (!missing(section, "subject")) options.subject = section.string("subject").value_or("");
  options.credentials = read_credentials(section, "credentials");
  options.secure = read_secure(section);
  options.digest = section.boolean("digest").value_or(false);
  options.requests = read_request_options(reading);
  if (section.diagnostics().errors() == errors) {
    if (const std::string wrong = wrong_with(options); !wrong.empty()) refuse_options(section, wrong);
  }
  advise(section, options);
  reading.settings.make = [options](const Making&) { return std::make_shared<SMTPHandler>(options); };
}

}  // namespace logbus::sidecar
