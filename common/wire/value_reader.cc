// SPDX-License-Identifier: MIT
// msgpack-c's parse visitor that fills Values and Fields, reusing what they have allocated.
#include "wire/value_reader.h"

#include <bit>
#include <limits>

#include <msgpack/unpack.hpp>  // parse() needs what this defines

#include <logbus/detail/encode_bytes.h>

#include "wire/big_endian.h"
#include "wire/utf8_text.h"

namespace logbus::wire {
namespace {

std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

/// msgpack-c's state machine, whose stack outlives a parse: msgpack::parse() allocates one each time.
class ValueReader::Parser : public msgpack::detail::parse_helper<ValueReader> {
 public:
  using msgpack::detail::parse_helper<ValueReader>::parse_helper;
};

ValueReader::ValueReader(ReadState& state) : state_(state), parser_(std::make_unique<Parser>(*this)) {}
ValueReader::~ValueReader() = default;

bool ValueReader::read_list(std::span<const std::byte> bytes, std::size_t& offset, List& list) {
  return parse(bytes, offset, &list, nullptr);
}

bool ValueReader::read_fields(std::span<const std::byte> bytes, std::size_t& offset, Fields& fields) {
  return parse(bytes, offset, nullptr, &fields);
}

bool ValueReader::parse(std::span<const std::byte> bytes, std::size_t& offset, List* list, Fields* fields) {
  target_ = nullptr;
  key_ = nullptr;
  root_list_ = list;
  root_fields_ = fields;
  parser_->init();
  const std::string_view text = as_text(bytes);
  const auto result = parser_->execute(text.data(), text.size(), offset);
  // Anything else is an error, or more bytes that the parser waits for. A visitor that stopped has said why.
  return result == msgpack::PARSE_SUCCESS || state_.fail(DecodeResult::kMalformed);
}

bool ValueReader::visit_positive_integer(std::uint64_t value) {
  constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return value <= kMax ? put(static_cast<std::int64_t>(value)) : put(value);
}

void ValueReader::assign(std::string& to, const char* text, std::uint32_t size) {
  const std::string_view view = size == 0 ? std::string_view() : std::string_view(text, size);
  if (is_utf8(view)) {
    to.assign(view);
  } else {
    ++state_.invalid_utf8;
    escape_invalid_utf8(view, to);
  }
}

bool ValueReader::visit_str(const char* text, std::uint32_t size) {
  if (key_ != nullptr) {
    assign(*key_, text, size);
    key_ = nullptr;
    return true;
  }
  if (target_ == nullptr) return state_.fail(DecodeResult::kMalformed);
  assign(become<std::string>(), text, size);
  return true;
}

bool ValueReader::open(Frame frame, std::size_t elements) {
  if (state_.depth == kMaxDepth) return state_.fail(DecodeResult::kTooDeep);
  if (elements > state_.elements_left) {
    return state_.fail(state_.bounded_by_bytes ? DecodeResult::kMalformed : DecodeResult::kTooLarge);
  }
  state_.elements_left -= elements;
  ++state_.depth;
  frames_[frame_count_++] = frame;
  return true;
}

void ValueReader::close() noexcept {
  --frame_count_;
  --state_.depth;
}

bool ValueReader::start_array(std::uint32_t count) {
  List* list = root_list_;
  if (frame_count_ != 0 || list == nullptr) {
    if (target_ == nullptr) return state_.fail(DecodeResult::kMalformed);
    list = &become<List>();
  }
  if (!open({list, nullptr, nullptr, 0}, count)) return false;
  list->reserve(count);
  return true;
}

bool ValueReader::start_array_item() {
  Frame& frame = top();
  if (frame.index == frame.list->size()) frame.list->emplace_back();
  target_ = &(*frame.list)[frame.index];
  return true;
}

bool ValueReader::end_array_item() {
  ++top().index;
  return true;
}

bool ValueReader::end_array() {
  top().list->resize(top().index);
  close();
  return true;
}

bool ValueReader::start_map(std::uint32_t count) {
  const std::size_t elements = std::size_t{count} * 2;
  if (frame_count_ == 0 && root_fields_ != nullptr) {
    if (!open({nullptr, nullptr, root_fields_, 0}, elements)) return false;
    root_fields_->reserve(count);
    return true;
  }
  if (target_ == nullptr) return state_.fail(DecodeResult::kMalformed);
  Dict& dict = become<Dict>();
  if (!open({nullptr, &dict, nullptr, 0}, elements)) return false;
  dict.reserve(count);
  return true;
}

bool ValueReader::start_map_key() {
  Frame& frame = top();
  if (frame.fields != nullptr) {
    if (frame.index == frame.fields->size()) frame.fields->emplace_back();
    key_ = &(*frame.fields)[frame.index].first;
    target_ = nullptr;
  } else {
    if (frame.index == frame.dict->size()) frame.dict->emplace_back();
    target_ = &(*frame.dict)[frame.index].first;
  }
  return true;
}

bool ValueReader::start_map_value() {
  Frame& frame = top();
  target_ =
      frame.fields != nullptr ? &(*frame.fields)[frame.index].second : &(*frame.dict)[frame.index].second;
  return true;
}

bool ValueReader::end_map_value() {
  ++top().index;
  return true;
}

bool ValueReader::end_map() {
  Frame& frame = top();
  if (frame.fields != nullptr) {
    frame.fields->resize(frame.index);
  } else {
    frame.dict->resize(frame.index);
  }
  close();
  return true;
}

bool ValueReader::visit_ext(const char* bytes, std::uint32_t size) {
  // msgpack-c counts the type as the first byte; 0 is its count after an overflow.
  if (target_ == nullptr || size == 0) return state_.fail(DecodeResult::kMalformed);
  const auto type = static_cast<std::int8_t>(bytes[0]);
  const std::string_view payload(bytes + 1, size - 1);
  switch (type) {
    case detail::kExtTimestamp:
      return put_time(payload);
    case detail::kExtChar:
      return put_char(payload);
    case detail::kExtPointer:
      return payload.size() == 8 ? put(Pointer{get_u64(payload.data())})
                                 : state_.fail(DecodeResult::kMalformed);
    case detail::kExtDuration:
      return put_duration(payload);
    case detail::kExtText:
      return put_text(payload);
    case detail::kExtTuple:
      return put_items(become<Tuple>().items, payload);
    case detail::kExtSet:
      return put_items(become<Set>().items, payload);
    default:
      return put_text("<ext " + std::to_string(type) + ">");
  }
}

bool ValueReader::put_char(std::string_view payload) {
  if (payload.size() != 1) return state_.fail(DecodeResult::kMalformed);
  // Half of a sequence: text, since no char may become part of a message unescaped.
  return is_utf8(payload) ? put(payload[0]) : put_text(payload);
}

bool ValueReader::put_text(std::string_view text) {
  assign(become<Text>().text, text.data(), static_cast<std::uint32_t>(text.size()));
  return true;
}

// Source: the msgpack specification, "Timestamp extension type".
bool ValueReader::put_time(std::string_view payload) {
  constexpr std::uint32_t kNanosecondsEnd = 1'000'000'000;
  TimePoint time;
  if (payload.size() == 4) {
    time.seconds = get_u32(payload.data());
  } else if (payload.size() == 8) {
    const std::uint64_t word = get_u64(payload.data());
    time.nanoseconds = static_cast<std::uint32_t>(word >> 34);
    time.seconds = static_cast<std::int64_t>(word & 0x3ffffffffU);
  } else if (payload.size() == 12) {
    time.nanoseconds = get_u32(payload.data());
    time.seconds = static_cast<std::int64_t>(get_u64(payload.data() + 4));
  } else {
    return state_.fail(DecodeResult::kMalformed);
  }
  return time.nanoseconds < kNanosecondsEnd ? put(time) : state_.fail(DecodeResult::kMalformed);
}

bool ValueReader::put_duration(std::string_view payload) {
  if (payload.size() != 17) return state_.fail(DecodeResult::kMalformed);
  Duration duration;
  duration.numerator = get_u32(payload.data());
  duration.denominator = get_u32(payload.data() + 4);
  const std::uint64_t count = get_u64(payload.data() + 9);
  const auto tag = static_cast<unsigned char>(payload[8]);
  if (tag == 0xd3) {
    duration.count = static_cast<std::int64_t>(count);
  } else if (tag == 0xcb) {
    duration.count = std::bit_cast<double>(count);
  } else {
    return state_.fail(DecodeResult::kMalformed);
  }
  if (duration.numerator == 0 || duration.denominator == 0) return state_.fail(DecodeResult::kMalformed);
  return put(duration);
}

bool ValueReader::put_items(List& items, std::string_view payload) {
  if (!inner_) inner_ = std::make_unique<ValueReader>(state_);
  const auto bytes = std::as_bytes(std::span(payload.data(), payload.size()));
  std::size_t offset = 0;
  if (!inner_->read_list(bytes, offset, items)) return false;
  return offset == payload.size() || state_.fail(DecodeResult::kMalformed);
}

}  // namespace logbus::wire
