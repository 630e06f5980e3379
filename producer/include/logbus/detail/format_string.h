// SPDX-License-Identifier: MIT
// The message of a logging call: checked and hashed at compile time, with the place it stands at.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

#include <logbus/arguments.h>
#include <logbus/detail/abi.h>
#include <logbus/detail/argument_traits.h>
#include <logbus/detail/format_check.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

/// Where a call stands and what it says. Borrows: literals, or what the call borrowed.
struct CallSite {
  const char* format = nullptr;
  const char* file = nullptr;
  const char* function = nullptr;
  std::uint64_t hash = 0;  // of the content; 0: the text isn't constant, the record carries it
  std::uint32_t format_size = 0;
  int line = 0;
  MessageStyle style = MessageStyle::kBrace;

  constexpr std::string_view text() const noexcept { return {format, format_size}; }
};

constexpr std::uint64_t hash_append(std::uint64_t hash, std::string_view text) noexcept {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;  // FNV-1a
  return (hash ^ 0xff) * 0x100000001b3;  // 0xff is no UTF-8: "ab","c" and "a","bc" differ
}
/// MurmurHash3's finalizer: parts are combined by xor, so each must be well mixed.
constexpr std::uint64_t hash_finish(std::uint64_t hash) noexcept {
  hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
  hash = (hash ^ (hash >> 33)) * 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}
inline constexpr std::uint64_t kHashStart = 0xcbf29ce484222325;

constexpr std::uint64_t hash_of(std::string_view text) noexcept {
  return hash_finish(hash_append(kHashStart, text));
}
constexpr std::uint64_t hash_of_level(int levelno) noexcept {
  return hash_finish(static_cast<std::uint32_t>(levelno) + 0x9e3779b97f4a7c15);
}

constexpr std::uint64_t hash_of_site(const CallSite& site) noexcept {
  std::uint64_t hash = hash_append(kHashStart, site.file);
  hash = hash_append(hash, site.function);
  hash = hash_append(hash, site.text());
  return hash_finish(hash ^ static_cast<std::uint32_t>(site.line)) | 1;
}

template <class>
inline constexpr bool never_v = false;

}  // namespace detail

/// The message of a call with arguments of these types: a literal, runtime() or verbatim(). Passed by value.
template <class... A>
class FormatString {
  static_assert(
      (detail::is_argument<A>() && ...),
      "logbus can't log a value of this type: give it a logbus_value(), a formatter with <logbus/fmt.h>, or "
      "an operator<< with <logbus/ostream.h>; log a pointer's address with logbus::ptr(p)");
  static_assert(sizeof...(A) <= detail::kMaxArguments, "logbus: too many arguments for one record");

 public:
  template <std::size_t N>
  consteval FormatString(const char (&literal)[N], const char* file = __builtin_FILE(),
                         const char* function = __builtin_FUNCTION(), int line = __builtin_LINE()) noexcept
      : site_{literal, file, function, 0, N - 1, line, MessageStyle::kBrace} {
    constexpr auto positional = detail::field_types<true, A...>();
    constexpr auto named = detail::field_types<false, A...>();
    detail::report(detail::FormatChecker(site_.text(), std::span(positional.first).first(positional.second),
                                         std::span(named.first).first(named.second))
                       .check());
    site_.hash = detail::hash_of_site(site_);
  }

  constexpr FormatString(RuntimeFormat format, const char* file = __builtin_FILE(),
                         const char* function = __builtin_FUNCTION(), int line = __builtin_LINE()) noexcept
      : site_{format.text.data(), file, function, 0, static_cast<std::uint32_t>(format.text.size()), line,
              format.style} {}

  template <class T>
  requires(!std::is_same_v<T, RuntimeFormat> && !detail::is_char_array_v<T>) FormatString(const T&)
  noexcept {  // NOLINT: catches every other message to say what is wrong
    static_assert(
        detail::never_v<T>,
        "logbus: the message must be a string literal; log other text with logger.info(\"{}\", text), or "
        "logbus::runtime(format), or logbus::verbatim(text)");
  }

  constexpr const detail::CallSite& site() const noexcept { return site_; }

 private:
  detail::CallSite site_;
};

}  // namespace abi1
}  // namespace logbus
