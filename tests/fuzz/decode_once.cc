// SPDX-License-Identifier: MIT
// What every byte string must survive: each decoder, and what follows a decoder that took it.
#include "decode_once.h"

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>

#include "wire/codec.h"
#include "wire/utf8_text.h"

namespace logbus::wire::test {
namespace {

void require(bool kept, const char* promise) {
  if (kept) return;
  std::fprintf(stderr, "broken: %s\n", promise);
  std::abort();
}

std::span<const std::byte> as_bytes(const std::string& text) {
  return std::as_bytes(std::span(text));
}

/// What the decoder gave can be read, encoded, and decoded to the same.
void use(Decoder& decoder, const LogRecord& record) {
  try {
    const std::string message = record.get_message();
    require(is_utf8(message), "a message is UTF-8");
  } catch (const std::exception&) {
    // Arguments that don't fit the format: the formatter's error.
  }
  std::string first;
  encode_record(record, first);
  LogRecord again;
  require(decoder.decode_record(as_bytes(first), again) == DecodeResult::kOk, "what was decoded encodes");
  std::string second;
  encode_record(again, second);
  require(first == second, "a record comes back as it was");
}

}  // namespace

int decode_once(std::span<const std::byte> bytes) {
  static Decoder decoder;  // one for all: what an input leaves behind must not harm the next
  static LogRecord record;
  static LogRecord whole;
  static Site site;
  static const Site kPlain{"n", 20, "INFO", "/p", 1, "f", MessageStyle::kRuntimeBrace, "{} {:x} {} {} {} {}"};
  int taken = 0;
  if (decoder.decode_record(kPlain, bytes, record) == DecodeResult::kOk) {
    ++taken;
    use(decoder, record);
  }
  if (decoder.decode_record(bytes, whole) == DecodeResult::kOk) {
    ++taken;
    whole.style = MessageStyle::kVerbatim;  // a hostile format may ask for a width of gigabytes
    use(decoder, whole);
  }
  if (decoder.decode_site(bytes, site) == DecodeResult::kOk) {
    ++taken;
    std::string out;
    encode_site(site, out);
    Site again;
    require(decode_site(as_bytes(out), again) && again == site, "a site comes back as it was");
  }
  Names names;
  if (decoder.decode_names(bytes, names) == DecodeResult::kOk) {
    ++taken;
    std::string out;
    encode_names(names, out);
    Names again;
    require(decode_names(as_bytes(out), again) && again == names, "names come back as they were");
  }
  return taken;
}

}  // namespace logbus::wire::test
