// SPDX-License-Identifier: MIT
// Bytes that grow at their end, and are not cleared before they are written.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string_view>

#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

class LineBuffer {
 public:
  char* data() noexcept { return data_; }
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  std::string_view view() const noexcept { return {data_, size_}; }

  /// Where the next bytes go: at least `bytes` of room. set_end() then says where they ended. May throw
  /// std::bad_alloc.
  char* reserve(std::size_t bytes) {
    if (capacity_ - size_ < bytes) [[unlikely]]
      grow(bytes);
    return data_ + size_;
  }
  void set_end(const char* end) noexcept { size_ = static_cast<std::size_t>(end - data_); }

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
    if (size_ != at) std::memmove(data_ + at, data_ + at + bytes, size_ - at);
  }
  void prepend(std::string_view text) {
    reserve(text.size());
    if (size_ != 0) std::memmove(data_ + text.size(), data_, size_);
    if (!text.empty()) std::memcpy(data_, text.data(), text.size());
    size_ += text.size();
  }
  /// Gives back what it has grown to.
  void release() noexcept {
    size_ = 0;
    go_home();
  }

  /// From now on its bytes lie in `home`, which is borrowed, whenever they fit; the empty one: none. May
  /// throw std::bad_alloc.
  void live_in(std::span<char> home) {
    if (home.size() < size_ && !grown_) move_to_heap(size_);
    if (home.size() >= size_) {
      if (size_ != 0) std::memmove(home.data(), data_, size_);
      grown_.reset();
      data_ = home.data();
      capacity_ = home.size();
    }
    home_ = home;
  }
  /// Back to where it lives, if it has grown out of it and fits again.
  void go_home() noexcept {
    if (!grown_ || size_ > home_.size()) return;
    if (size_ != 0) std::memcpy(home_.data(), data_, size_);
    grown_.reset();
    data_ = home_.data();
    capacity_ = home_.size();
  }
  bool is_home() const noexcept { return !grown_; }

 private:
  void grow(std::size_t bytes) {
    move_to_heap(size_ + bytes < 2 * capacity_ ? 2 * capacity_ : size_ + bytes + 256);
  }
  void move_to_heap(std::size_t capacity) {
    std::unique_ptr<char[]> larger(new char[capacity]);
    if (size_ != 0) std::memcpy(larger.get(), data_, size_);
    grown_ = std::move(larger);
    data_ = grown_.get();
    capacity_ = capacity;
  }

  char* data_ = nullptr;           // of home_, or of grown_
  std::unique_ptr<char[]> grown_;  // null: it is where it lives
  std::span<char> home_;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
};

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
