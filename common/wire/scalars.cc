// SPDX-License-Identifier: MIT
#include "wire/scalars.h"

#include <bit>
#include <cstdint>
#include <limits>

#include "wire/big_endian.h"
#include "wire/keys.h"
#include "wire/utf8_text.h"

namespace logbus::wire {

using record::Scalar;

std::optional<std::span<const Scalar>> read_scalars(std::span<const std::byte> payload,
                                                    Scalars& scalars) noexcept {
  if (payload.empty()) return std::nullopt;
  const char* at = reinterpret_cast<const char*>(payload.data());
  const char* const end = at + payload.size();
  const auto header = static_cast<unsigned char>(*at++);
  if ((header & 0xf0U) != 0x90) return std::nullopt;
  const std::size_t count = header & 0x0fU;
  for (Scalar& scalar : std::span(scalars).first(count)) {
    if (at == end) return std::nullopt;
    const auto tag = static_cast<unsigned char>(*at++);
    const auto left = static_cast<std::size_t>(end - at);
    switch (tag) {
      case 0xc2:
      case 0xc3:
        scalar.kind = Scalar::Kind::kBool;
        scalar.boolean = tag == 0xc3;
        break;
      case 0xd2:
        if (left < 4) return std::nullopt;
        scalar.kind = Scalar::Kind::kInt64;
        scalar.int64 = static_cast<std::int32_t>(get_u32(at));
        at += 4;
        break;
      case 0xce:
        if (left < 4) return std::nullopt;
        scalar.kind = Scalar::Kind::kInt64;
        scalar.int64 = get_u32(at);
        at += 4;
        break;
      case 0xd3:
        if (left < 8) return std::nullopt;
        scalar.kind = Scalar::Kind::kInt64;
        scalar.int64 = static_cast<std::int64_t>(get_u64(at));
        at += 8;
        break;
      case 0xcf:
        if (left < 8) return std::nullopt;
        scalar.uint64 = get_u64(at);
        scalar.kind = scalar.uint64 <= std::numeric_limits<std::int64_t>::max() ? Scalar::Kind::kInt64
                                                                                : Scalar::Kind::kUint64;
        at += 8;
        break;
      case 0xca:
        if (left < 4) return std::nullopt;
        scalar.kind = Scalar::Kind::kFloat;
        scalar.float32 = std::bit_cast<float>(get_u32(at));
        at += 4;
        break;
      case 0xcb:
        if (left < 8) return std::nullopt;
        scalar.kind = Scalar::Kind::kDouble;
        scalar.float64 = std::bit_cast<double>(get_u64(at));
        at += 8;
        break;
      case 0xdb:
        if (left < 4) return std::nullopt;
        scalar.kind = Scalar::Kind::kString;
        scalar.size = get_u32(at);
        scalar.string = at + 4;
        if (left - 4 < scalar.size || !is_utf8(scalar.text())) return std::nullopt;
        at += 4 + scalar.size;
        break;
      default:
        return std::nullopt;
    }
  }
  if (fields_follow(payload, payload.size() - static_cast<std::size_t>(end - at))) return std::nullopt;
  return std::span(scalars).first(count);
}

}  // namespace logbus::wire
