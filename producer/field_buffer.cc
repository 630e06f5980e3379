// SPDX-License-Identifier: MIT
// Fields encoded once, and how those of a call, a BoundLogger and a context come together.
#include <logbus/detail/field_buffer.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "producer/thread_lane.h"

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {
namespace {

constexpr std::uint32_t kMaskBits = 64;

std::uint32_t begin_of(const FieldBytes& fields, std::uint32_t i) noexcept {
  return i == 0 ? 0 : fields.ends[i - 1];
}

std::string_view key_at(const char* field) noexcept {
  const auto byte = [field](int i) { return std::uint32_t{static_cast<unsigned char>(field[i])}; };
  return {field + kStrHeaderSize, byte(1) << 24 | byte(2) << 16 | byte(3) << 8 | byte(4)};
}
std::string_view key_of(const FieldBytes& fields, std::uint32_t i) noexcept {
  return key_at(fields.data + begin_of(fields, i));
}

bool has_key(const FieldBytes& fields, std::string_view key) noexcept {
  for (std::uint32_t i = 0; i < fields.count; ++i) {
    if (key_of(fields, i) == key) return true;
  }
  return false;
}

}  // namespace

FieldBuffer& FieldBuffer::operator=(const FieldBuffer& other) noexcept {
  if (this == &other) return *this;
  size_ = count_ = 0;
  append(other.view());
  return *this;
}

FieldBuffer::~FieldBuffer() {
  std::free(data_);
  std::free(ends_);
}

void FieldBuffer::append(const FieldBytes& fields) noexcept {
  for (std::uint32_t i = 0; i < fields.count; ++i)
    add_encoded(fields.data + begin_of(fields, i), fields.ends[i] - begin_of(fields, i));
}

void FieldBuffer::add_encoded(const char* field, std::uint32_t size) noexcept {
  static_cast<void>(producer::thread_state());  // the thread's end gives back its scratch buffer
  // A field of this name goes first: its place is taken by what follows it.
  const FieldBytes old = view();
  for (std::uint32_t i = 0; i < old.count; ++i) {
    if (key_of(old, i) != key_at(field)) continue;
    const std::uint32_t begin = begin_of(old, i);
    const std::uint32_t gone = ends_[i] - begin;
    std::memmove(data_ + begin, data_ + begin + gone, size_ - begin - gone);
    for (std::uint32_t k = i + 1; k < count_; ++k) ends_[k - 1] = ends_[k] - gone;
    size_ -= gone;
    --count_;
    break;
  }
  auto* data = static_cast<char*>(std::realloc(data_, size_ + std::size_t{size}));
  if (data == nullptr) return;
  data_ = data;
  auto* ends = static_cast<std::uint32_t*>(std::realloc(ends_, (count_ + std::size_t{1}) * sizeof *ends_));
  if (ends == nullptr) return;
  ends_ = ends;
  std::memcpy(data_ + size_, field, size);
  size_ += size;
  ends_[count_++] = size_;
}

Extras make_extras(const FieldBytes* context, const FieldBytes* bound, const std::string_view* keys,
                   std::size_t key_count) noexcept {
  Extras extras{context, bound};
  const auto add = [&](const FieldBytes* fields, const FieldBytes* winner, std::uint64_t& skip) {
    if (fields == nullptr) return;
    extras.size += fields->size;
    extras.count += fields->count;
    for (std::uint32_t i = 0; i < std::min(fields->count, kMaskBits); ++i) {
      const std::string_view key = key_of(*fields, i);
      if (std::find(keys, keys + key_count, key) == keys + key_count &&
          !(winner != nullptr && has_key(*winner, key)))
        continue;
      skip |= std::uint64_t{1} << i;
      extras.size -= fields->ends[i] - begin_of(*fields, i);
      --extras.count;
    }
  };
  add(context, bound, extras.skip_context);
  add(bound, nullptr, extras.skip_bound);
  return extras;
}

char* write_extras(char* to, const Extras& extras) noexcept {
  const auto add = [&to](const FieldBytes* fields, std::uint64_t skip) {
    if (fields == nullptr) return;
    if (skip == 0) {
      to = put_bytes(to, fields->data, fields->size);
      return;
    }
    for (std::uint32_t i = 0; i < fields->count; ++i) {
      if (i < kMaskBits && (skip >> i & 1) != 0) continue;
      to = put_bytes(to, fields->data + begin_of(*fields, i), fields->ends[i] - begin_of(*fields, i));
    }
  };
  add(extras.context, extras.skip_context);
  add(extras.bound, extras.skip_bound);
  return to;
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
