// SPDX-License-Identifier: MIT
// The readers of all kinds, and what several of them share.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <logbus/connection_handler.h>
#include <logbus/file_handler.h>
#include <logbus/request_handler.h>
#include <logbus/rotating_file_handler.h>
#include <logbus/tls.h>

#include "sidecar/handler_kind.h"

namespace logbus::sidecar {

void read_buffering_handler(HandlerReading& reading);
void read_datagram_handler(HandlerReading& reading);
void read_file_handler(HandlerReading& reading);
void read_http_handler(HandlerReading& reading);
void read_memory_handler(HandlerReading& reading);
void read_nt_event_log_handler(HandlerReading& reading);
void read_null_handler(HandlerReading& reading);
void read_queue_handler(HandlerReading& reading);
void read_rotating_file_handler(HandlerReading& reading);
void read_smtp_handler(HandlerReading& reading);
void read_socket_handler(HandlerReading& reading);
void read_stream_handler(HandlerReading& reading);
void read_sys_log_handler(HandlerReading& reading);
void read_timed_rotating_file_handler(HandlerReading& reading);
void read_watched_file_handler(HandlerReading& reading);

/// The keys that all handlers of files have, and settings.file.
FileOptions read_file_options(HandlerReading& reading);
/// The same for this making: a file that the sidecar writes already, or has written when it was killed, is
/// not emptied; the former is not opened yet either.
FileOptions options_for(const FileOptions& options, const Making& making);

/// The keys of all handlers whose server answers, and settings.network.
RequestOptions read_request_options(HandlerReading& reading);
/// What wrong_with() says of the options: the sentence begins with the key.
void refuse_options(Section& section, const std::string& wrong);
/// A user and a password. No error tells what stands there.
std::optional<std::pair<std::string, std::string>> read_credentials(Section& section, std::string_view key);
/// Whether a host's name or address, with a port or not, can't be anywhere else.
bool is_this_machine(std::string_view host);
/// All the keys of the section but server_hostname, which must have been asked for, if it is one of them.
void read_tls_options(Section& section, TlsOptions& options);

/// The attributes that all handlers of lines have.
struct LineAttributes {
  std::string terminator = "\n";

  template <class LineHandler>
  std::shared_ptr<Handler> apply(std::shared_ptr<LineHandler> handler) const {
    handler->set_terminator(terminator);
    return handler;
  }
};
LineAttributes read_line_attributes(HandlerReading& reading);

/// Those of all rotating handlers: functions in Python, names for them here.
struct RotatingAttributes : LineAttributes {
  BaseRotatingHandler::Namer namer;      // null: as it is
  BaseRotatingHandler::Rotator rotator;  // null: renames
  Compatibility compatibility;

  template <class RotatingHandler>
  std::shared_ptr<Handler> apply(std::shared_ptr<RotatingHandler> handler) const {
    handler->set_compatibility(compatibility);
    if (namer) handler->set_namer(namer);
    if (rotator) handler->set_rotator(rotator);
    return LineAttributes::apply(std::move(handler));
  }
};
RotatingAttributes read_rotating_attributes(HandlerReading& reading);

/// timeout, backlog, and Python's attributes retryStart, retryFactor and retryMax.
void read_delivery_options(HandlerReading& reading, DeliveryOptions& options);
/// Seconds, as Python has them, or a duration such as "500 ms".
std::optional<std::chrono::milliseconds> read_timeout(Section& section, std::string_view key);

}  // namespace logbus::sidecar
