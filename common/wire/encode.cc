// SPDX-License-Identifier: MIT
// Whole objects to msgpack, by msgpack-c's packer.
#include "wire/codec.h"

#include <bit>
#include <string_view>
#include <variant>

#include <msgpack/pack.hpp>

#include <logbus/detail/encode_bytes.h>

#include "wire/keys.h"
#include "wire/string_stream.h"

namespace logbus::wire {
namespace {

// Less than the decoder allows, since a record's own map and lists are around a value.
constexpr int kMaxEncodedDepth = static_cast<int>(kMaxDepth) - 8;

class Packer {
 public:
  explicit Packer(std::string& out) : out_(out), stream_(out), packer_(stream_) {}

  void array(std::size_t n) { packer_.pack_array(static_cast<std::uint32_t>(n)); }
  void map(std::size_t n) { packer_.pack_map(static_cast<std::uint32_t>(n)); }
  void string(std::string_view text) {
    packer_.pack_str(static_cast<std::uint32_t>(text.size()));
    packer_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
  }
  void integer(std::int64_t value) { packer_.pack_int64(value); }
  void integer(std::uint64_t value) { packer_.pack_uint64(value); }
  void fields(const Fields& fields) {
    map(fields.size());
    for (const auto& [key, value] : fields) {
      string(key);
      this->value(value, 0);
    }
  }
  void value(const Value& value, int depth) {
    if (depth > kMaxEncodedDepth) {
      ext(detail::kExtText, "<nested too deep>");
      return;
    }
    std::visit([&](const auto& v) { put(v, depth); }, value.variant());
  }

 private:
  void put(const None&, int) { packer_.pack_nil(); }
  void put(bool v, int) { v ? packer_.pack_true() : packer_.pack_false(); }
  void put(std::int64_t v, int) { integer(v); }
  void put(std::uint64_t v, int) { integer(v); }
  // Not by pack_float and pack_double: those store 3.0 as the integer 3.
  void put(float v, int) {
    char bytes[5];
    detail::put_u32(detail::put_u8(bytes, 0xca), std::bit_cast<std::uint32_t>(v));
    out_.append(bytes, sizeof bytes);
  }
  void put(double v, int) {
    char bytes[9];
    detail::put_f64(bytes, v);
    out_.append(bytes, sizeof bytes);
  }
  void put(char v, int) { ext(detail::kExtChar, std::string_view(&v, 1)); }
  void put(const std::string& v, int) { string(v); }
  void put(const Pointer& v, int) {
    char bytes[8];
    detail::put_u64(bytes, v.address);
    ext(detail::kExtPointer, std::string_view(bytes, sizeof bytes));
  }
  void put(const Text& v, int) { ext(detail::kExtText, v.text); }
  void put(const TimePoint& v, int) {
    char bytes[12];
    detail::put_u64(detail::put_u32(bytes, v.nanoseconds), static_cast<std::uint64_t>(v.seconds));
    ext(detail::kExtTimestamp, std::string_view(bytes, sizeof bytes));
  }
  void put(const Duration& v, int) {
    char bytes[17];
    char* const count = detail::put_u32(detail::put_u32(bytes, v.numerator), v.denominator);
    if (const double* floating = std::get_if<double>(&v.count)) {
      detail::put_f64(count, *floating);
    } else {
      detail::put_i64(count, std::get<std::int64_t>(v.count));
    }
    ext(detail::kExtDuration, std::string_view(bytes, sizeof bytes));
  }
  void put(const List& v, int depth) {
    array(v.size());
    for (const Value& item : v) value(item, depth + 1);
  }
  void put(const Tuple& v, int depth) { ext_list(detail::kExtTuple, v.items, depth); }
  void put(const Set& v, int depth) { ext_list(detail::kExtSet, v.items, depth); }
  void put(const Dict& v, int depth) {
    map(v.size());
    for (const auto& [key, item] : v) {
      value(key, depth + 1);
      value(item, depth + 1);
    }
  }

  void ext(std::int8_t type, std::string_view payload) {
    packer_.pack_ext(payload.size(), type);
    packer_.pack_ext_body(payload.data(), static_cast<std::uint32_t>(payload.size()));
  }
  void ext_list(std::int8_t type, const List& items, int depth) {
    const std::size_t start = out_.size();
    out_.append(detail::kExtHeaderSize, '\0');
    put(items, depth);
    const std::size_t size = out_.size() - start - detail::kExtHeaderSize;
    detail::put_ext_header(out_.data() + start, type, static_cast<std::uint32_t>(size));
  }

  std::string& out_;
  StringStream stream_;
  msgpack::packer<StringStream> packer_;
};

/// A map whose size is known when its last entry is in.
class AttributeMap {
 public:
  explicit AttributeMap(std::string& out) : out_(out), start_(out.size()), packer_(out) {
    out_.append(kHeaderSize, '\0');
  }
  ~AttributeMap() {
    char* const header = out_.data() + start_;
    detail::put_u16(detail::put_u8(header, 0xde), count_);
  }
  AttributeMap(const AttributeMap&) = delete;
  AttributeMap& operator=(const AttributeMap&) = delete;

  Packer& add(std::string_view key) {
    ++count_;
    packer_.string(key);
    return packer_;
  }
  void text(std::string_view key, std::string_view text) { add(key).string(text); }
  void text_if_any(std::string_view key, std::string_view value) {
    if (!value.empty()) text(key, value);
  }
  template <class Integer>
  void integer_if_any(std::string_view key, Integer value) {
    if (value != 0) add(key).integer(value);
  }

 private:
  static constexpr std::size_t kHeaderSize = 3;
  std::string& out_;
  std::size_t start_;
  std::uint16_t count_ = 0;
  Packer packer_;
};

}  // namespace

void encode_site(const Site& site, std::string& out) {
  Packer packer(out);
  packer.array(kSiteElements);
  packer.string(site.name);
  packer.integer(std::int64_t{site.levelno});
  packer.string(site.levelname);
  packer.string(site.pathname);
  packer.integer(std::int64_t{site.lineno});
  packer.string(site.func_name);
  packer.integer(static_cast<std::int64_t>(site.style));
  packer.string(site.format);
}

void encode_names(const Names& names, std::string& out) {
  AttributeMap map(out);
  if (names.thread_name) map.text(key::kThreadName, *names.thread_name);
  if (names.process_name) map.text(key::kProcessName, *names.process_name);
}

void encode_record(const LogRecord& record, std::string& out) {
  AttributeMap map(out);
  map.text(key::kName, record.name);
  map.add(key::kMsg).value(record.msg, 0);
  if (!record.args.is_none()) map.add(key::kArgs).value(record.args, 0);
  map.add(key::kStyle).integer(static_cast<std::int64_t>(record.style));
  map.add(key::kLevelno).integer(std::int64_t{record.levelno});
  map.text(key::kLevelname, record.levelname);
  map.text_if_any(key::kPathname, record.pathname);
  map.integer_if_any(key::kLineno, std::int64_t{record.lineno});
  map.text_if_any(key::kFuncName, record.func_name);
  map.text_if_any(key::kExcText, record.exc_text);
  map.text_if_any(key::kStackInfo, record.stack_info);
  map.integer_if_any(key::kCreatedNs, record.created_ns);
  map.integer_if_any(key::kStartNs, record.start_ns);
  map.integer_if_any(key::kThread, record.thread);
  map.text_if_any(key::kThreadName, record.thread_name);
  map.integer_if_any(key::kProcess, record.process);
  map.text_if_any(key::kProcessName, record.process_name);
  if (!record.extra.empty()) map.add(key::kExtra).fields(record.extra);
  if (!record.overrides.empty()) map.add(key::kOverrides).fields(record.overrides);
}

}  // namespace logbus::wire
