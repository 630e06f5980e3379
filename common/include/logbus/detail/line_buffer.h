// SPDX-License-Identifier: MIT
// Bytes that grow at their end, and are not cleared before they are written.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <string_view>

#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

class LineBuffer {
 public:
  char* data() noexcept { return data_.get(); }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::string_view view() const noexcept { return {data_.get(), size_}; }

  /// Where the next bytes go: at least `bytes` of room. set_end() then says where they ended. May throw
  /// std::bad_alloc.
  char* reserve(std::size_t bytes) {
    if (capacity_ - size_ < bytes) [[unlikely]]
      grow(bytes);
    return data_.get() + size_;
  }
  void set_end(const char* end) noexcept { size_ = static_cast<std::size_t>(end - data_.get()); }

  void append(std::string_view text) {
    char* const to = reserve(text.size());
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    size_ += text.size();
  }
  void append(char c) {
    *reserve(1) = c;
    ++size_;
  }
  /// Cuts back to `size`.
  void truncate(std::size_t size) noexcept { size_ = size; }
  void erase(std::size_t at, std::size_t bytes) noexcept {
    size_ -= bytes;
    if (size_ != at) std::memmove(data_.get() + at, data_.get() + at + bytes, size_ - at);
  }
  void prepend(std::string_view text) {
    reserve(text.size());
    if (size_ != 0) std::memmove(data_.get() + text.size(), data_.get(), size_);
    if (!text.empty()) std::memcpy(data_.get(), text.data(), text.size());
    size_ += text.size();
  }
  void release() noexcept {
    data_.reset();
    size_ = capacity_ = 0;
  }

 private:
  void grow(std::size_t bytes) {
    const std::size_t wanted = size_ + bytes < 2 * capacity_ ? 2 * capacity_ : size_ + bytes + 256;
    std::unique_ptr<char[]> larger(new char[wanted]);
    if (size_ != 0) std::memcpy(larger.get(), data_.get(), size_);
    data_ = std::move(larger);
    capacity_ = wanted;
  }

  std::unique_ptr<char[]> data_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
