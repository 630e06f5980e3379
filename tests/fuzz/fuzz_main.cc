// SPDX-License-Identifier: MIT
// libFuzzer's entry of the target that -DONCE names.
#include "once.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  logbus::fuzz::ONCE(std::as_bytes(std::span(data, size)));
  return 0;
}
