// SPDX-License-Identifier: MIT
// The buffer in which a thread makes the bytes that can't be sized from the types alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

/// A bump buffer for user-made bytes (containers, lazy arguments, user types), owned by one thread and
/// reused. Bytes are addressed by offset, since a growth moves them. A record takes size() as its mark first
/// and calls rewind(mark) when it is written: user code that logs while its own argument is being made then
/// leaves the outer record's bytes alone. Trivial on purpose (a thread_local of this type needs no guard):
/// the owner calls release() at thread exit.
class Scratch {
 public:
  constexpr Scratch() noexcept = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  /// Room for `size` more bytes, already counted as written; null without memory, and then failed().
  char* reserve(std::size_t size) noexcept {
    if (size > capacity_ - size_ && !grow(size)) return nullptr;
    char* const to = data_ + size_;
    size_ += static_cast<std::uint32_t>(size);
    return to;
  }
  void append(const char* bytes, std::size_t size) noexcept {
    if (size == 0) return;
    if (char* to = reserve(size)) std::memcpy(to, bytes, size);
  }

  std::uint32_t size() const noexcept { return size_; }
  const char* at(std::uint32_t offset) const noexcept { return data_ + offset; }
  char* at(std::uint32_t offset) noexcept { return data_ + offset; }
  /// Bytes could not be stored; set_failed() gives the old state.
  bool failed() const noexcept { return failed_; }
  bool set_failed(bool failed) noexcept { return std::exchange(failed_, failed); }

  /// Forgets what was written after `mark`. Rewinding to 0 also gives back what one huge record made it grow
  /// to.
  void rewind(std::uint32_t mark) noexcept {
    size_ = mark;
    if (mark == 0 && capacity_ > kKeep) release();
  }
  void clear() noexcept { rewind(0); }
  void release() noexcept {
    std::free(data_);
    data_ = nullptr;
    size_ = capacity_ = 0;
  }

 private:
  // An idle worker may hold 200 KiB of its own in all.
  static constexpr std::uint32_t kKeep = 64 * 1024;
  // The largest record is at most half of the largest lane (1 GiB); twice that leaves room for cutting.
  static constexpr std::uint32_t kMax = 512U * 1024 * 1024;

  [[gnu::noinline, gnu::cold]] bool grow(std::size_t size) noexcept {
    if (size > kMax - size_) {
      failed_ = true;
      return false;
    }
    const std::size_t need = size_ + size;
    std::size_t capacity = capacity_ < 512 ? 512 : capacity_ * std::size_t{2};
    while (capacity < need) capacity *= 2;
    void* const data = std::realloc(data_, capacity);
    if (data == nullptr) {
      failed_ = true;
      return false;
    }
    data_ = static_cast<char*>(data);
    capacity_ = static_cast<std::uint32_t>(capacity);
    return true;
  }

  char* data_ = nullptr;
  std::uint32_t size_ = 0;
  std::uint32_t capacity_ = 0;
  bool failed_ = false;
};

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
