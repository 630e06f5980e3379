// SPDX-License-Identifier: MIT
// Payloads as a call site writes them, and bytes as people read them.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include <logbus/detail/encode.h>

namespace logbus::wire::test {

/// A Scratch that frees what it holds.
class OwnedScratch : public detail::Scratch {
 public:
  ~OwnedScratch() { release(); }
};

/// One argument's bytes; checks that wire_size() told the truth.
template <class T>
std::string encode(const T& value, std::string_view spec = {}) {
  OwnedScratch scratch;
  const auto prepared = detail::prepare(value, spec, scratch);
  std::string out(wire_size(prepared), '\0');
  const char* const end = write(out.data(), prepared, scratch);
  EXPECT_EQ(end, out.data() + out.size());
  return out;
}

/// The array of arguments.
template <class... A>
std::string encode_arguments(const A&... arguments) {
  std::string out(detail::array_header_size(sizeof...(A)), '\0');
  detail::write_array_header(out.data(), sizeof...(A));
  (out.append(encode(arguments)), ...);
  return out;
}

/// The map of fields: `pairs` are key, value, key, value ...
inline void append_pairs(std::string&) {}
template <class T, class... Rest>
void append_pairs(std::string& out, std::string_view key, const T& value, const Rest&... rest) {
  const std::size_t start = out.size();
  out.resize(start + detail::key_size(key));
  detail::write_key(out.data() + start, key);
  out += encode(value);
  append_pairs(out, rest...);
}
template <class... P>
std::string encode_fields(const P&... pairs) {
  std::string out(detail::map_header_size(sizeof...(P) / 2), '\0');
  detail::write_map_header(out.data(), sizeof...(P) / 2);
  append_pairs(out, pairs...);
  return out;
}

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

inline std::string hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (!out.empty()) out.push_back(' ');
    out += {kDigits[byte >> 4], kDigits[byte & 15]};
  }
  return out;
}

}  // namespace logbus::wire::test
