// SPDX-License-Identifier: MIT
// Keys of several handlers that have servers: tries, credentials, TLS.
#include <algorithm>
#include <chrono>

#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {
RequestOptions read_request_options(HandlerReading& reading) {
  Section& section = reading.section;
  RequestOptions options;
  options.compatibility = reading.bus.compatibility;
  options.timeout = read_timeout(section, "timeout").value_or(options.timeout);
  if (const auto bytes = section.size("backlog", 1, std::int64_t{1} << 30))
    options.backlog = static_cast<std::size_t>(*bytes);
  const auto seconds = [&](std::string_view key, double otherwise) {
    const auto time = read_timeout(section, key);
    return time ? std::chrono::duration<double>(*time).count() : otherwise;
  };
  options.retry_start = seconds("retry_start", options.retry_start);
  options.retry_max = seconds("retry_max", std::max(options.retry_start, options.retry_max));
  if (options.retry_max < options.retry_start) section.expected("retry_max", "no less than retry_start");
  if (const auto retries = section.integer("retries", 0, 1'000'000))
    options.retries = static_cast<unsigned>(*retries);
  reading.settings.network = true;
  return options;
}

void refuse_options(Section& section, const std::string& wrong) {
  const std::string_view key = std::string_view(wrong).substr(0, wrong.find_first_of(" :"));
  section.diagnostics().error(section.place(key), wrong);
}

// What stands there is never told: it may be a password.
std::optional<std::pair<std::string, std::string>> read_credentials(Section& section, std::string_view key) {
  const Node* node = section.value(key);
  const bool empty = node != nullptr && node->is(Node::Kind::kList) && node->items.empty();
  if (node == nullptr || empty) return std::nullopt;
  const auto is_text = [](const Node& item) {
    return item.is(Node::Kind::kString) && !item.text.empty() && item.text.find('\0') == std::string::npos;
  };
  if (node->is(Node::Kind::kList) && node->items.size() == 2 &&
      std::all_of(node->items.begin(), node->items.end(), is_text)) {
    return std::pair(node->items[0].text, node->items[1].text);
  }
  section.diagnostics().error(section.place(key), "expected a list of two texts, a user and a password");
  return std::nullopt;
}

bool is_this_machine(std::string_view host) {
  return host == "localhost" || host.starts_with("localhost:") || host.starts_with("127.") ||
         host.starts_with("[::1]") || host == "::1";
}

void read_tls_options(Section& section, TlsOptions& options) {
  options.ca_certs = section.string("ca_certs").value_or("");
  options.certfile = section.string("certfile").value_or("");
  options.keyfile = section.string("keyfile").value_or("");
  options.verify = section.boolean("verify").value_or(true);
  section.unknown_keys(Section::Unknown::kRefuse);
  Diagnostics& diagnostics = section.diagnostics();
  if (!options.verify) {
    diagnostics.warning(section.place("verify"),
                        "any server will do: who sits between can read and change all");
    if (!options.ca_certs.empty()) diagnostics.error(section.place("ca_certs"), "of no use without verify");
  }
  if (!options.keyfile.empty() && options.certfile.empty())
    diagnostics.error(section.place("keyfile"), "the key 'certfile' is missing: whose key is it?");
  try {
    check_tls_files(options);
  } catch (const TlsFileError& error) {
    diagnostics.error(section.place(error.option()), error.what());
  }
}

}  // namespace logbus::sidecar
