// SPDX-License-Identifier: MIT
// The arguments of one call, prepared: values, views, or bytes in the scratch buffer. User code runs here
// only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <logbus/detail/abi.h>
#include <logbus/detail/argument_traits.h>
#include <logbus/detail/encode.h>
#include <logbus/detail/format_string.h>
#include <logbus/detail/hot_thread.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

template <class P>
struct PreparedField {
  std::string_view key;
  bool escaped;
  P value;
};
struct PreparedException {
  PreparedBytes text;
  bool present;
};

template <class P>
inline constexpr bool is_field_part_v = false;
template <class P>
inline constexpr bool is_field_part_v<PreparedField<P>> = true;
template <>
inline constexpr bool is_field_part_v<PreparedException> = true;

/// The spec of the field that shows positional argument `index`, or the kv `name`; "" if there is none.
std::string_view spec_of(const CallSite& site, std::size_t index) noexcept;
std::string_view spec_of(const CallSite& site, std::string_view name) noexcept;
/// The exception being handled, as a string in the scratch buffer.
PreparedException prepare_exception(Scratch& to) noexcept;
PreparedBytes prepare_nothing_made(Scratch& in, std::uint32_t mark, const char* what) noexcept;

template <class F>
[[gnu::noinline]] PreparedBytes prepare_lazy(const Lazy<F>& lazy, std::string_view spec,
                                             Scratch& in) noexcept {
  const auto append = [&] {
    const auto& value = lazy.make();
    const auto prepared = prepare(value, spec, in);
    const std::uint32_t begin = in.size();
    if constexpr (std::is_same_v<decltype(prepared), const PreparedBytes>) {
      return prepared;
    } else {
      const std::uint32_t size = wire_size(prepared);
      char* const to = in.reserve(size);
      if (to == nullptr) return left_out();
      write(to, prepared, in);
      return PreparedBytes{begin, size};
    }
  };
#if defined(__cpp_exceptions)
  const std::uint32_t mark = in.size();
  try {
    return append();
  } catch (const std::exception& error) {
    return prepare_nothing_made(in, mark, error.what());
  } catch (...) {
    return prepare_nothing_made(in, mark, "an object that is no std::exception");
  }
#else
  return append();
#endif
}

template <class T, class SpecOf>
LOGBUS_ALWAYS_INLINE auto prepare_value(const T& value, SpecOf spec, Scratch& to) noexcept {
  constexpr bool wants_spec = field_type<value_of_t<T>>().worker_text;
  std::string_view text;
  if constexpr (wants_spec) text = spec();
  if constexpr (is_lazy_v<T>) {
    return prepare_lazy(value, text, to);
  } else {
    return prepare(value, text, to);
  }
}

template <class T>
LOGBUS_ALWAYS_INLINE auto prepare_part(const T& argument, std::size_t index, const CallSite& site,
                                       Scratch& to) noexcept {
  if constexpr (is_exc_info_v<T>) {
    return prepare_exception(to);
  } else if constexpr (is_kv_v<T>) {
    const std::string_view key = argument.key.text();
    auto value = prepare_value(
        argument.value, [&] { return spec_of(site, key); }, to);
    return PreparedField<decltype(value)>{key, argument.key.escaped(), value};
  } else {
    return prepare_value(
        argument, [&] { return spec_of(site, index); }, to);
  }
}

/// Position of argument I among those that are for the format's fields.
template <std::size_t I, class... A>
consteval std::size_t positional_index() noexcept {
  constexpr bool positional[] = {is_positional_v<A>..., false};
  std::size_t n = 0;
  for (std::size_t i = 0; i < I; ++i) n += positional[i];
  return n;
}

template <class... A, std::size_t... I>
LOGBUS_ALWAYS_INLINE auto prepare_parts(std::index_sequence<I...>, const CallSite& site, Scratch& to,
                                        const A&... arguments) noexcept {
  // Braces: from left to right.
  return std::tuple<decltype(prepare_part(arguments, std::size_t{0}, site, to))...>{
      prepare_part(arguments, positional_index<I, A...>(), site, to)...};
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
