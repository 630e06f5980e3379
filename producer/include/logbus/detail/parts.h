// SPDX-License-Identifier: MIT
// The arguments of one call, prepared: sized, cut if they are too long, and written as a payload.
#pragma once

#include <cstddef>
#include <cstdint>
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

template <class P>
constexpr std::uint32_t part_size(const P& part) noexcept {
  if constexpr (std::is_same_v<P, PreparedException>) {
    return part.present ? key_size("exc_text") + wire_size(part.text) : 0;
  } else if constexpr (is_field_part_v<P>) {
    return key_size(part.key) + part.escaped + wire_size(part.value);
  } else {
    return wire_size(part);
  }
}

template <class P>
LOGBUS_ALWAYS_INLINE char* write_field(char* to, const P& part, const Scratch& from) noexcept {
  if constexpr (std::is_same_v<P, PreparedException>) {
    return part.present ? write(write_key(to, "exc_text"), part.text, from) : to;
  } else {
    to = put_str_header(to, static_cast<std::uint32_t>(part.key.size() + part.escaped));
    if (part.escaped) to = put_u8(to, '_');
    return write(put_bytes(to, part.key.data(), part.key.size()), part.value, from);
  }
}

/// Fields that the call didn't name itself: of the thread's context, and of a BoundLogger. Bit i of a mask
/// leaves out pair i, because a later field has its name.
struct Extras {
  const FieldBytes* context = nullptr;
  const FieldBytes* bound = nullptr;
  std::uint64_t skip_context = 0;
  std::uint64_t skip_bound = 0;
  std::uint32_t size = 0;
  std::uint32_t count = 0;
};
/// `keys` are those of the call.
Extras make_extras(const FieldBytes* context, const FieldBytes* bound, const std::string_view* keys,
                   std::size_t key_count) noexcept;
char* write_extras(char* to, const Extras& extras) noexcept;

template <class... P>
Extras extras_for(const std::tuple<P...>& parts, const FieldBytes* bound) noexcept {
  const FieldBytes* const context = hot_thread.context;
  if (context == nullptr && bound == nullptr) return {};
  std::string_view keys[sizeof...(P) + 1];
  std::size_t n = 0;
  const auto note = [&]<class Q>(const Q& part) {
    if constexpr (requires { part.key; }) keys[n++] = part.key;
  };
  std::apply([&](const P&... part) { (note(part), ...); }, parts);
  return make_extras(context, bound, keys, n);
}

template <class... P>
LOGBUS_ALWAYS_INLINE std::uint32_t field_count(const std::tuple<P...>& parts, const Extras& extras) noexcept {
  const auto one = []<class Q>(const Q& part) -> std::uint32_t {
    if constexpr (std::is_same_v<Q, PreparedException>) return part.present;
    return is_field_part_v<Q>;
  };
  return std::apply([&](const P&... part) { return (extras.count + ... + one(part)); }, parts);
}

template <class... P>
LOGBUS_ALWAYS_INLINE std::uint32_t payload_size(const std::tuple<P...>& parts,
                                                const Extras& extras) noexcept {
  constexpr std::size_t positional = (std::size_t{0} + ... + !is_field_part_v<P>);
  const std::uint32_t fields = field_count(parts, extras);
  const std::uint32_t map = fields == 0 ? 0 : map_header_size(fields) + extras.size;
  return std::apply(
      [&](const P&... part) { return ((array_header_size(positional) + map) + ... + part_size(part)); },
      parts);
}

/// Exactly payload_size() bytes.
template <class... P>
LOGBUS_ALWAYS_INLINE char* write_payload(char* to, const std::tuple<P...>& parts, const Extras& extras,
                                         const Scratch& from) noexcept {
  constexpr std::size_t positional = (std::size_t{0} + ... + !is_field_part_v<P>);
  to = write_array_header(to, positional);
  const auto write_positional = [&]<class Q>(const Q& part) {
    if constexpr (!is_field_part_v<Q>) to = write(to, part, from);
  };
  std::apply([&](const P&... part) { (write_positional(part), ...); }, parts);
  const std::uint32_t fields = field_count(parts, extras);
  if (fields == 0) return to;
  to = write_map_header(to, fields);
  if (extras.count != 0) {
    const Extras stored = extras;  // its address stays out of the way of calls without extras
    to = write_extras(to, stored);
  }
  const auto write_named = [&]<class Q>(const Q& part) {
    if constexpr (is_field_part_v<Q>) to = write_field(to, part, from);
  };
  std::apply([&](const P&... part) { (write_named(part), ...); }, parts);
  return to;
}

/// Cuts the longest texts until the payload has `limit` bytes at most. False: what is left can't be cut.
template <class... P>
bool shrink(std::tuple<P...>& parts, const Extras& extras, std::uint32_t limit, Scratch& in) noexcept {
  const auto cut_part = [&]<class Q>(Q& part, std::uint32_t longest, std::uint32_t excess) {
    const std::uint32_t size = part_size(part);
    if (size != longest) return false;
    // The text is shorter than the part by its header and key: cut by the excess and it is enough.
    const auto cut_to = [&](auto& prepared) {
      const std::uint32_t text = wire_size(prepared);
      return cut(prepared, text > excess + kExtHeaderSize ? text - excess - kExtHeaderSize : 0, in);
    };
    if constexpr (std::is_same_v<Q, PreparedException>)
      return part.present && cut_to(part.text);
    else if constexpr (is_field_part_v<Q>)
      return cut_to(part.value);
    else
      return cut_to(part);
  };
  for (std::size_t round = 0; round < sizeof...(P) + 1; ++round) {
    const std::uint32_t size = payload_size(parts, extras);
    if (size <= limit) return true;
    std::uint32_t longest = 0;
    std::apply([&](P&... part) { ((longest = part_size(part) > longest ? part_size(part) : longest), ...); },
               parts);
    if (!std::apply([&](P&... part) { return (cut_part(part, longest, size - limit) || ...); }, parts))
      return false;
  }
  return payload_size(parts, extras) <= limit;
}

}  // namespace detail
}  // namespace LOGBUS_ABI
}  // namespace logbus
