// SPDX-License-Identifier: MIT
// Pickle protocol 1, as far as records need it. Source: the opcodes in CPython's pickletools.
#include "pickle.h"

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <limits>
#include <variant>

#include <fmt/format.h>

#include "record/sent_attributes.h"
#include "record/utf8.h"
#include "record/value_text.h"
#include "wire/utf8_text.h"

namespace logbus::handlers {
namespace {

using record::Attribute;

// The key of an attribute as an opcode, its length and its text.
struct Key {
  std::array<char, 24> bytes{};
  std::size_t size = 0;
};

// Beyond the longest key and the longest number.
constexpr std::size_t kItemBytes = 64;

std::array<Key, record::kRecordAttributes> make_keys() {
  std::array<Key, record::kRecordAttributes> keys;
  for (std::size_t index = 0; index < keys.size(); ++index) {
    const std::string_view name = record::attribute_name(static_cast<Attribute>(index));
    Key& key = keys[index];
    key.bytes[0] = 'X';
    key.bytes[1] = static_cast<char>(name.size());
    std::memcpy(key.bytes.data() + 5, name.data(), name.size());
    key.size = 5 + name.size();
  }
  return keys;
}

const auto kKeys = make_keys();

// A surrogate alone, as surrogatepass encodes it: 3 bytes.
bool is_surrogate(std::string_view text, std::size_t at) noexcept {
  return text.size() - at >= 3 && text[at] == '\xed' &&
         (static_cast<unsigned char>(text[at + 1]) & 0xE0) == 0xA0 &&
         (static_cast<unsigned char>(text[at + 2]) & 0xC0) == 0x80;
}

// What Python's decoder takes; each byte that it doesn't as \xNN.
void append_decodable(std::string_view text, std::string& out) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    if (record::next_code_point(text, at) != record::kInvalidCodePoint) {
      out += text.substr(begin, at - begin);
    } else if (is_surrogate(text, begin)) {
      at = begin + 3;
      out += text.substr(begin, 3);
    } else {
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", static_cast<unsigned char>(text[begin]));
    }
  }
}

class Pickler {
 public:
  explicit Pickler(std::string& out) : out_(out), start_(out.size()), end_(start_) {}

  void begin() {
    reserve(1024);
    literal("}(");
  }
  void finish() {
    literal("u.");
    out_.resize(end_);
  }

  // --- the sink of visit_sent_attributes
  void text(Attribute attribute, std::string_view value) {
    key(attribute, value.size());
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
    put(None{});
  }
  void value(Attribute attribute, const Value& value) {
    key(attribute);
    this->value(value);
  }
  void field(std::string_view name, const Value& value) {
    string(name);
    this->value(value);
  }

 private:
  void value(const Value& value) {
    std::visit([this](const auto& held) { put(held); }, value.variant());
  }

  // An item of a set, or a key: what Python could not hash is text.
  void hashable(const Value& value) {
    if (value.get_if<List>() != nullptr || value.get_if<Dict>() != nullptr) return as_text(value);
    if (const auto* set = value.get_if<Set>()) return put_set("frozenset", *set);
    const auto* tuple = value.get_if<Tuple>();
    if (tuple == nullptr) return this->value(value);
    literal("(");
    for (const Value& item : tuple->items) hashable(item);
    literal("t");
  }

  void put(const None&) { literal("N"); }
  void put(bool value) { literal(value ? "I01\n" : "I00\n"); }
  void put(int value) { put(std::int64_t{value}); }
  void put(std::int64_t value) {
    if (value < std::numeric_limits<std::int32_t>::min() || value > std::numeric_limits<std::int32_t>::max())
      return put_long(value);
    put_short(static_cast<std::uint32_t>(value));
  }
  void put(std::uint64_t value) {
    if (value > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max())) return put_long(value);
    put_short(static_cast<std::uint32_t>(value));
  }
  void put(float value) { put(static_cast<double>(value)); }
  void put(double value) {
    auto bits = std::bit_cast<std::uint64_t>(value);
    if constexpr (std::endian::native == std::endian::little) bits = __builtin_bswap64(bits);
    char* const to = reserve(kItemBytes);
    to[0] = 'G';
    std::memcpy(to + 1, &bits, sizeof bits);
    end_ += 1 + sizeof bits;
  }
  void put(char value) { string({&value, 1}); }
  void put(const std::string& value) { string(value); }
  void put(const Text& value) { string(value.text); }
  void put(const Pointer& value) { as_text(value); }
  void put(const TimePoint& value) { as_text(value); }
  void put(const Duration& value) { as_text(value); }
  void put(const List& items) {
    literal("](");
    for (const Value& item : items) value(item);
    literal("e");
  }
  void put(const Tuple& tuple) {
    literal("(");
    for (const Value& item : tuple.items) value(item);
    literal("t");
  }
  void put(const Set& set) { put_set("set", set); }
  void put(const Dict& dict) {
    literal("}(");
    for (const auto& [key, item] : dict) {
      hashable(key);
      value(item);
    }
    literal("u");
  }

  // Called with a list of the items. The module is Python 2's, which protocols below 3 name.
  void put_set(std::string_view type, const Set& set) {
    literal("c__builtin__\n");
    literal(type);
    literal("\n(](");
    for (const Value& item : set.items) hashable(item);
    literal("etR");
  }

  void put_short(std::uint32_t value) {
    char* const to = reserve(kItemBytes);
    if (value < 256) {
      to[0] = 'K';
      to[1] = static_cast<char>(value);
      end_ += 2;
    } else if (value < 65536) {
      to[0] = 'M';
      put_little(to + 1, value);
      end_ += 3;
    } else {
      to[0] = 'J';
      put_little(to + 1, value);
      end_ += 5;
    }
  }

  template <class Integer>
  void put_long(Integer value) {
    const fmt::format_int digits(value);
    literal("L");
    literal({digits.data(), digits.size()});
    literal("L\n");
  }

  void as_text(const Value& value) {
    std::string text;
    record::append_str(value, text);
    string(text);
  }

  void string(std::string_view text) {
    std::string changed;
    if (!wire::is_utf8(text)) [[unlikely]] {
      append_decodable(text, changed);
      text = changed;
    }
    char* const to = reserve(kItemBytes + text.size());
    to[0] = 'X';
    put_little(to + 1, static_cast<std::uint32_t>(text.size()));
    if (!text.empty()) std::memcpy(to + 5, text.data(), text.size());
    end_ += 5 + text.size();
  }

  // With room for a value that takes `bytes`.
  void key(Attribute attribute, std::size_t bytes = 0) {
    const Key& key = kKeys[static_cast<std::size_t>(attribute)];
    std::memcpy(reserve(kItemBytes + bytes), key.bytes.data(), sizeof key.bytes);
    end_ += key.size;
  }

  void literal(std::string_view bytes) {
    std::memcpy(reserve(bytes.size()), bytes.data(), bytes.size());
    end_ += bytes.size();
  }

  static void put_little(char* to, std::uint32_t value) noexcept {
    if constexpr (std::endian::native == std::endian::big) value = __builtin_bswap32(value);
    std::memcpy(to, &value, sizeof value);
  }

  // Where the next bytes go. The string is longer than what is in it until finish().
  char* reserve(std::size_t bytes) {
    if (out_.size() - end_ < bytes) [[unlikely]]
      out_.resize(end_ + 2 * (end_ - start_) + bytes);
    return out_.data() + end_;
  }

  std::string& out_;
  const std::size_t start_;
  std::size_t end_;
};

}  // namespace

void append_pickle(const LogRecord& record, std::string_view message, std::string& out) {
  Pickler pickler(out);
  pickler.begin();
  record::visit_sent_attributes(record, message, pickler);
  pickler.finish();
}

}  // namespace logbus::handlers
