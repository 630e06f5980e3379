// SPDX-License-Identifier: MIT
// The encodings of text files by Python's names for them.
#pragma once

#include <string_view>

namespace logbus::handlers {

/// How to encode, and how Python speaks of what it can't encode.
struct TextCodec {
  enum class Kind { kUtf8, kWideUnicode, kOneByte, kMultibyte };

  Kind kind;
  const char* iconv_name;         // null: UTF-8 is there already
  std::string_view error_name;    // '...' codec can't encode character
  std::string_view first_name;    // the same for a file's first text
  std::string_view reason;        // ordinal not in range(256)
  std::string_view bom;           // before a file's first text
  char32_t refused_from;          // what iconv would encode and Python would not
  char32_t refused_to;            // the last of them
  std::string_view python_names;  // with all aliases, a space between two
};

/// Null for an encoding that is not known.
const TextCodec* find_text_codec(std::string_view name);

}  // namespace logbus::handlers
