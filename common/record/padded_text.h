// SPDX-License-Identifier: MIT
// Text that may be read a little beyond its end.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace logbus::record {

/// Text with kPadding readable bytes behind it, so that short ones are copied in pieces of fixed size.
class PaddedText {
 public:
  static constexpr std::size_t kPadding = 16;

  PaddedText() : PaddedText(std::string()) {}
  explicit PaddedText(std::string text) : size_(text.size()), bytes_(std::move(text)) {
    bytes_.append(kPadding, '\0');
  }
  void assign(std::string_view text) {
    size_ = text.size();
    bytes_.assign(text);
    bytes_.append(kPadding, '\0');
  }
  const char* data() const noexcept { return bytes_.data(); }
  std::size_t size() const noexcept { return size_; }

 private:
  std::size_t size_;
  std::string bytes_;
};

}  // namespace logbus::record
