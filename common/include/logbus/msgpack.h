// SPDX-License-Identifier: MIT
// Include this to log types that have MSGPACK_DEFINE or MSGPACK_DEFINE_MAP: they stay structured.
#pragma once

#include <cstddef>
#include <string_view>

#include <msgpack.hpp>

#include <logbus/detail/abi.h>
#include <logbus/detail/encode.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

/// The stream under msgpack-c's packer.
class ScratchStream {
 public:
  explicit ScratchStream(Scratch& scratch) noexcept : scratch_(scratch) {}
  void write(const char* bytes, std::size_t size) noexcept { scratch_.append(bytes, size); }

 private:
  Scratch& scratch_;
};

}  // namespace detail
}  // namespace abi1
}  // namespace logbus

// msgpack-c stores a float that is a whole number as an integer: 3.0 would be logged as 3.
template <>
inline msgpack::packer<logbus::detail::ScratchStream>&
msgpack::packer<logbus::detail::ScratchStream>::pack_float(float value) {
  char bytes[5];
  logbus::detail::put_u32(logbus::detail::put_u8(bytes, 0xca), std::bit_cast<std::uint32_t>(value));
  m_stream.write(bytes, sizeof bytes);
  return *this;
}
template <>
inline msgpack::packer<logbus::detail::ScratchStream>&
msgpack::packer<logbus::detail::ScratchStream>::pack_double(double value) {
  char bytes[9];
  logbus::detail::put_f64(bytes, value);
  m_stream.write(bytes, sizeof bytes);
  return *this;
}

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

template <class T>
requires requires(const T& value, msgpack::packer<ScratchStream>& packer) {
  value.msgpack_pack(packer);
}
struct ByMsgpack<T> : std::true_type {
  static void append(Scratch& scratch, const T& value, std::string_view) {
    ScratchStream stream(scratch);
    msgpack::packer<ScratchStream> packer(stream);
    value.msgpack_pack(packer);
  }
};

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
