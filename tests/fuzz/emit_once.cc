// SPDX-License-Identifier: MIT
// A line of JSON becomes a record that can be written to a bus and comes back as it was, or an error.
#include <exception>
#include <stdexcept>

#include "once.h"
#include "tools/json_text.h"
#include "wire/codec.h"

namespace logbus::fuzz {

void emit_once(Bytes bytes) {
  LogRecord record;
  std::string payload;
  try {
    record = tools::make_log_record(
        tools::parse_json_line({reinterpret_cast<const char*>(bytes.data()), bytes.size()}));
    wire::encode_record(record, payload);
  } catch (const std::exception&) {
    return;  // named on stderr, left out
  }
  static wire::Decoder decoder;
  LogRecord again;
  const wire::DecodeResult result = decoder.decode_record(std::as_bytes(std::span(payload)), again);
  require(result == wire::DecodeResult::kOk, "what was encoded can be decoded");
  std::string second;
  wire::encode_record(again, second);
  require(payload == second, "a record comes back as it was");
  const std::string line = tools::json_line(tools::to_json(again));
  for (const char c : line)
    require(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F, "a line of JSON has no controls");
  (void)tools::parse_json_line(line);
}

}  // namespace logbus::fuzz
