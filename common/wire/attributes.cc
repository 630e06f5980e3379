// SPDX-License-Identifier: MIT
#include "wire/attributes.h"

#include <cstdint>
#include <variant>

#include <msgpack/pack.hpp>

#include <logbus/detail/encode_bytes.h>

#include "record/sent_attributes.h"
#include "record/value_text.h"
#include "wire/string_stream.h"
#include "wire/utf8_text.h"

namespace logbus::wire {
namespace {

using record::Attribute;

/// The sink of visit_sent_attributes. The map's size is known when it is complete.
class AttributePacker {
 public:
  explicit AttributePacker(std::string& out) : out_(out), start_(out.size()), stream_(out), packer_(stream_) {
    out_.append(kHeaderSize, '\0');
  }
  void finish() { detail::put_u32(detail::put_u8(out_.data() + start_, 0xdf), count_); }

  void text(Attribute attribute, std::string_view value) {
    key(attribute);
    string(value);
  }
  void text_or_none(Attribute attribute, std::string_view value) {
    value.empty() ? none(attribute) : text(attribute, value);
  }
  template <class Integer>
  void integer(Attribute attribute, Integer value) {
    key(attribute);
    put(value);
  }
  void real(Attribute attribute, double value) {
    key(attribute);
    put(value);
  }
  void none(Attribute attribute) {
    key(attribute);
    packer_.pack_nil();
  }
  void value(Attribute attribute, const Value& value) {
    key(attribute);
    this->value(value);
  }
  void field(std::string_view name, const Value& value) {
    ++count_;
    string(name);
    this->value(value);
  }

 private:
  static constexpr std::size_t kHeaderSize = 5;

  void key(Attribute attribute) {
    ++count_;
    string(record::attribute_name(attribute));
  }
  void value(const Value& value) {
    std::visit([this](const auto& held) { put(held); }, value.variant());
  }

  void put(const None&) { packer_.pack_nil(); }
  void put(bool value) { value ? packer_.pack_true() : packer_.pack_false(); }
  void put(int value) { packer_.pack_int(value); }
  void put(std::int64_t value) { packer_.pack_int64(value); }
  void put(std::uint64_t value) { packer_.pack_uint64(value); }
  void put(float value) { put(static_cast<double>(value)); }
  // Not by pack_double, which stores 3.0 as the integer 3.
  void put(double value) {
    char bytes[9];
    detail::put_f64(bytes, value);
    out_.append(bytes, sizeof bytes);
  }
  void put(char value) { string({&value, 1}); }
  void put(const std::string& value) { string(value); }
  void put(const Text& value) { string(value.text); }
  void put(const Pointer& value) { as_text(value); }
  void put(const TimePoint& value) { as_text(value); }
  void put(const Duration& value) { as_text(value); }
  void put(const List& items) {
    packer_.pack_array(static_cast<std::uint32_t>(items.size()));
    for (const Value& item : items) value(item);
  }
  void put(const Tuple& tuple) { put(tuple.items); }
  void put(const Set& set) { put(set.items); }
  void put(const Dict& dict) {
    packer_.pack_map(static_cast<std::uint32_t>(dict.size()));
    for (const auto& [key, item] : dict) {
      as_text(key);
      value(item);
    }
  }

  void as_text(const Value& value) {
    std::string text;
    record::append_str(value, text);
    string(text);
  }

  void string(std::string_view text) {
    std::string changed;
    if (!is_utf8(text)) [[unlikely]] {
      escape_invalid_utf8(text, changed);
      text = changed;
    }
    packer_.pack_str(static_cast<std::uint32_t>(text.size()));
    packer_.pack_str_body(text.data(), static_cast<std::uint32_t>(text.size()));
  }

  std::string& out_;
  std::size_t start_;
  std::uint32_t count_ = 0;
  StringStream stream_;
  msgpack::packer<StringStream> packer_;
};

}  // namespace

void encode_attributes(const LogRecord& record, std::string_view message, std::string& out) {
  AttributePacker packer(out);
  record::visit_sent_attributes(record, message, packer);
  packer.finish();
}

}  // namespace logbus::wire
