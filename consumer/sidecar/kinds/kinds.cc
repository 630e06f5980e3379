// SPDX-License-Identifier: MIT
#include "sidecar/kinds/kinds.h"

#include <array>

namespace logbus::sidecar {

std::span<const HandlerKind> handler_kinds() noexcept {
  static constexpr std::array kKinds{
      HandlerKind{"logging.FileHandler", read_file_handler},
      HandlerKind{"logging.NullHandler", read_null_handler},
      HandlerKind{"logging.StreamHandler", read_stream_handler},
      HandlerKind{"logging.handlers.BufferingHandler", read_buffering_handler},
      HandlerKind{"logging.handlers.DatagramHandler", read_datagram_handler},
      HandlerKind{"logging.handlers.HTTPHandler", read_http_handler},
      HandlerKind{"logging.handlers.MemoryHandler", read_memory_handler},
      HandlerKind{"logging.handlers.NTEventLogHandler", read_nt_event_log_handler},
      HandlerKind{"logging.handlers.QueueHandler", read_queue_handler},
      HandlerKind{"logging.handlers.RotatingFileHandler", read_rotating_file_handler},
      HandlerKind{"logging.handlers.SMTPHandler", read_smtp_handler},
      HandlerKind{"logging.handlers.SocketHandler", read_socket_handler},
      HandlerKind{"logging.handlers.SysLogHandler", read_sys_log_handler},
      HandlerKind{"logging.handlers.TimedRotatingFileHandler", read_timed_rotating_file_handler},
      HandlerKind{"logging.handlers.WatchedFileHandler", read_watched_file_handler},
  };
  return kKinds;
}

LineAttributes read_line_attributes(HandlerReading& reading) {
  LineAttributes attributes;
  if (const auto text = reading.attributes.string("terminator")) attributes.terminator = *text;
  return attributes;
}

}  // namespace logbus::sidecar
