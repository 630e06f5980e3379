// SPDX-License-Identifier: MIT
// The prepared arguments of one call: sized, cut if they are too long, and written as a payload.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <logbus/detail/abi.h>
#include <logbus/detail/encode.h>
#include <logbus/detail/hot_thread.h>
#include <logbus/detail/prepare.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

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
}  // namespace abi1
}  // namespace logbus
