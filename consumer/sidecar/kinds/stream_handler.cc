// SPDX-License-Identifier: MIT
// logging.StreamHandler: the console.
#include <unistd.h>

#include <logbus/stream_handler.h>

#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {

void read_stream_handler(HandlerReading& reading) {
  int descriptor = STDERR_FILENO;
  if (const Node* stream = reading.section.value("stream")) {
    if (stream->is(Node::Kind::kExternal) && stream->text == "sys.stdout") {
      descriptor = STDOUT_FILENO;
    } else if (!stream->is(Node::Kind::kExternal) || stream->text != "sys.stderr") {
      reading.section.expected("stream", "ext://sys.stdout or ext://sys.stderr");
    }
  }
  reading.settings.make = [descriptor, attributes = read_line_attributes(reading)](const Making&) {
    return attributes.apply(std::make_shared<StreamHandler>(descriptor));
  };
}

}  // namespace logbus::sidecar
