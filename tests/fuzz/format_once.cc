// SPDX-License-Identifier: MIT
// Three styles of messages and of lines, with any format and any arguments: text that is UTF-8, or an error.
#include <exception>

#include <logbus/error.h>
#include <logbus/formatter.h>
#include <logbus/log_record.h>

#include "once.h"
#include "record/merge_limits.h"
#include "wire/codec.h"
#include "wire/utf8_text.h"

namespace logbus::fuzz {

void format_once(Bytes bytes) {
  Input input(bytes);
  const std::size_t style = input.below(4);
  const std::size_t line_style = input.below(3);
  FormatterOptions options;
  options.validate = input.below(2) == 0;
  options.escape = input.below(2) == 0;
  options.style = "%{$"[line_style];
  const std::string message = input.text();
  options.format = input.text();
  options.datefmt = input.text();
  wire::Site site{"n", 20, "INFO", "/p", 1, "f", MessageStyle::kRuntimeBrace, {}};
  static wire::Decoder decoder;
  LogRecord record;
  if (decoder.decode_record(site, input.rest(), record) != wire::DecodeResult::kOk)
    record.args = List{1, "two", 3.0, None{}};
  // Formats come from sites and records, which are made UTF-8 by the decoder, and from YAML, which is.
  if (!wire::is_utf8(message) || !wire::is_utf8(options.format) || !wire::is_utf8(options.datefmt)) return;
  record.msg = message;
  record.style = static_cast<MessageStyle>(style);
  record.created_ns = 1'772'000'000'123'456'789;
  std::string text;
  try {
    record.append_message(text);
    require(wire::is_utf8(text), "a message is UTF-8");
  } catch (const std::exception&) {
  }
  require(text.size() <= record::kLongestMessage + (4U << 20), "a message does not fill the memory");
  std::string line;
  try {
    Formatter(options).format(record, line);
    require(wire::is_utf8(line), "a line is UTF-8");
  } catch (const std::exception&) {
    return;  // nobody writes what there is of it
  }
  if (options.escape && options.format.find_first_of("\n\x1b") == options.format.npos &&
      options.datefmt.find_first_of("\n\x1b%") == options.datefmt.npos)
    require(line.find('\x1b') == line.npos, "what a record brings is escaped");
}

}  // namespace logbus::fuzz
