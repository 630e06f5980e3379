// SPDX-License-Identifier: MIT
// Text in the encoding of a file: what Python's open(encoding=..., errors=...) does to what is written.
#pragma once

#include <iconv.h>

#include <string>
#include <string_view>

#include "text_codecs.h"

namespace logbus::handlers {

/// What to do with a character that the encoding doesn't have. Source: Python's error handlers.
enum class EncodingErrors {
  kStrict,
  kIgnore,
  kReplace,
  kBackslashReplace,
  kXmlCharRefReplace,
  kSurrogateEscape
};

/// Encodes texts, one after the other. Takes UTF-8; a byte that isn't is taken for what Python's
/// surrogateescape makes of it, which no encoding has. One thread.
class TextEncoder {
 public:
  /// Throws logbus::Error in Python's words for an encoding or an error handler that is not known.
  TextEncoder(std::string_view encoding, std::string_view errors);
  ~TextEncoder();
  TextEncoder(const TextEncoder&) = delete;
  TextEncoder& operator=(const TextEncoder&) = delete;

  /// Whether all text is written as it is.
  bool changes_nothing() const noexcept { return codec_.iconv_name == nullptr; }
  /// From now on it is a file's beginning that is written, or is not: whether there is a byte order mark to
  /// come.
  void begin(bool of_file) noexcept { at_begin_ = of_file; }
  std::string_view byte_order_mark() const noexcept { return codec_.bom; }
  /// The bytes of `text`, until the next call. Throws in Python's words if it has a character that can't be
  /// encoded, and `errors` is no help.
  std::string_view encode(std::string_view text);

 private:
  std::size_t convert(std::u32string_view points);
  std::size_t convert_some(std::u32string_view points);
  std::size_t call_iconv(std::u32string_view points);
  bool can_encode(char32_t point);
  bool refuses(char32_t point) const noexcept;
  void handle_run(std::size_t begin, std::size_t end);
  bool append_ascii(std::string_view text);
  [[noreturn]] void fail(std::size_t begin, std::size_t end) const;

  const TextCodec& codec_;
  EncodingErrors errors_;
  iconv_t conversion_;
  bool at_begin_ = false;
  bool first_ = false;  // what is being encoded is a file's first text
  std::u32string points_;
  std::string out_;
};

}  // namespace logbus::handlers
