// SPDX-License-Identifier: MIT
// Fields encoded once, for many records.
#pragma once

#include <cstdint>
#include <string_view>

#include <logbus/arguments.h>
#include <logbus/detail/abi.h>
#include <logbus/detail/hot_thread.h>
#include <logbus/detail/parts.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

/// Owns the bytes. What doesn't fit into memory is left out: fields never make a worker fail.
class FieldBuffer {
 public:
  FieldBuffer() noexcept = default;
  FieldBuffer(const FieldBuffer& other) noexcept { append(other.view()); }
  FieldBuffer& operator=(const FieldBuffer& other) noexcept;
  ~FieldBuffer();

  /// A field of the same name is replaced.
  template <class T, class K>
  void add(const Kv<T, K>& field) noexcept {
    const std::uint32_t mark = thread_scratch.size();
    const auto part = prepare_part(field, 0, CallSite{}, thread_scratch);
    const std::uint32_t size = part_size(part);
    const std::uint32_t begin = thread_scratch.size();
    if (char* to = thread_scratch.reserve(size)) {
      write_field(to, part, thread_scratch);
      add_encoded(thread_scratch.at(begin), size);
    }
    thread_scratch.rewind(mark);
  }
  void append(const FieldBytes& fields) noexcept;
  FieldBytes view() const noexcept { return {data_, ends_, size_, count_}; }

 private:
  void add_encoded(const char* field, std::uint32_t size) noexcept;

  char* data_ = nullptr;
  std::uint32_t* ends_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
