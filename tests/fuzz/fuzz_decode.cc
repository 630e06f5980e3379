// SPDX-License-Identifier: MIT
// libFuzzer's entry: bytes as a sidecar finds them in a lane or in the site arena.
#include <cstddef>
#include <cstdint>
#include <span>

#include "decode_once.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  logbus::wire::test::decode_once(std::as_bytes(std::span(data, size)));
  return 0;
}
