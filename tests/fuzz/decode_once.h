// SPDX-License-Identifier: MIT
// What every byte string must survive: each decoder, and what follows a decoder that took it.
#pragma once

#include <cstddef>
#include <span>

namespace logbus::wire::test {

/// Aborts where a promise of the decoder is broken. Gives how many of the decoders took the bytes.
int decode_once(std::span<const std::byte> bytes);

}  // namespace logbus::wire::test
