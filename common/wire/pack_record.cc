// SPDX-License-Identifier: MIT
// Records to bytes and back, for users.
#include <logbus/pack_record.h>

#include <new>
#include <span>

#include "wire/codec.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

void pack_record(const LogRecord& record, std::string& out) {
  wire::encode_record(record, out);
}

bool unpack_record(std::string_view bytes, LogRecord& record) noexcept {
  try {
    thread_local wire::Decoder decoder;
    // What the bytes say nothing of would stay as it is.
    record.created_ns = record.start_ns = record.process = 0;
    record.thread = 0;
    record.thread_name.clear();
    record.process_name.clear();
    record.late = record.truncated = false;
    return decoder.decode_record(std::as_bytes(std::span(bytes)), record) == wire::DecodeResult::kOk;
  } catch (const std::bad_alloc&) {
    return false;
  }
}

}  // namespace abi1
}  // namespace logbus
