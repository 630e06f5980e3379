// SPDX-License-Identifier: MIT
// msgpack-c's parse visitor that fills Values and Fields, reusing what they have allocated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <logbus/value.h>

#include "wire/codec.h"

namespace logbus::wire {

/// What the reader of a payload and the readers of the extensions inside it share.
struct ReadState {
  std::size_t elements_left = 0;
  std::uint32_t depth = 0;
  std::uint64_t invalid_utf8 = 0;
  DecodeResult result = DecodeResult::kOk;

  /// `size` bytes hold at most as many values.
  void start(std::size_t size) noexcept {
    elements_left = size < kMaxElements ? size : kMaxElements;
    bounded_by_bytes = size <= kMaxElements;
    depth = 0;
    result = DecodeResult::kOk;
  }
  bool fail(DecodeResult why) noexcept {
    if (result == DecodeResult::kOk) result = why;
    return false;
  }
  bool bounded_by_bytes = true;
};

/// Reads one value off the front of some bytes. May throw std::bad_alloc. Made once and kept: so are its
/// buffers.
class ValueReader {
 public:
  explicit ValueReader(ReadState& state);
  ~ValueReader();
  ValueReader(const ValueReader&) = delete;
  ValueReader& operator=(const ValueReader&) = delete;

  // Each reads at `offset` and moves it behind the value; false with the reason in the state. read_list
  // refuses what is no array, read_fields what is no map with strings for keys.
  bool read_list(std::span<const std::byte> bytes, std::size_t& offset, List& list);
  bool read_fields(std::span<const std::byte> bytes, std::size_t& offset, Fields& fields);

  // msgpack-c calls these; false stops it.
  bool visit_nil() { return put(None{}); }
  bool visit_boolean(bool value) { return put(value); }
  bool visit_positive_integer(std::uint64_t value);
  bool visit_negative_integer(std::int64_t value) { return put(value); }
  bool visit_float32(float value) { return put(value); }
  bool visit_float64(double value) { return put(value); }
  bool visit_str(const char* text, std::uint32_t size);
  bool visit_bin(const char* text, std::uint32_t size) { return visit_str(text, size); }
  bool visit_ext(const char* bytes, std::uint32_t size);
  bool start_array(std::uint32_t count);
  bool start_array_item();
  bool end_array_item();
  bool end_array();
  bool start_map(std::uint32_t count);
  bool start_map_key();
  bool end_map_key() { return true; }
  bool start_map_value();
  bool end_map_value();
  bool end_map();
  void parse_error(std::size_t, std::size_t) { state_.fail(DecodeResult::kMalformed); }
  void init() noexcept { frame_count_ = 0; }

 private:
  class Parser;

  /// A container that is being filled; exactly one of the pointers is set. The containers above it do not
  /// grow meanwhile, so the pointer stays good.
  struct Frame {
    List* list;
    Dict* dict;
    Fields* fields;
    std::size_t index;
  };

  bool parse(std::span<const std::byte> bytes, std::size_t& offset, List* list, Fields* fields);
  bool open(Frame frame, std::size_t elements);
  Frame& top() noexcept { return frames_[frame_count_ - 1]; }
  void close() noexcept;
  template <class T>
  bool put(const T& value) {
    if (target_ == nullptr) return state_.fail(DecodeResult::kMalformed);
    target_->variant() = value;
    return true;
  }
  template <class T>
  T& become() {
    T* const held = target_->get_if<T>();
    return held != nullptr ? *held : target_->variant().template emplace<T>();
  }
  void assign(std::string& to, const char* text, std::uint32_t size);
  bool put_char(std::string_view payload);
  bool put_text(std::string_view text);
  bool put_time(std::string_view payload);
  bool put_duration(std::string_view payload);
  bool put_items(List& items, std::string_view payload);

  ReadState& state_;
  std::unique_ptr<Parser> parser_;
  std::unique_ptr<ValueReader> inner_;  // for the payload of an extension, made at the first
  // Where the next value goes. Null where only the root's container may come, or a field's key (then key_ is
  // set).
  Value* target_ = nullptr;
  std::string* key_ = nullptr;
  List* root_list_ = nullptr;
  Fields* root_fields_ = nullptr;
  std::array<Frame, kMaxDepth> frames_;
  std::uint32_t frame_count_ = 0;
};

}  // namespace logbus::wire
