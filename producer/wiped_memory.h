// SPDX-License-Identifier: MIT
// Memory that reads as zero in a forked child.
#pragma once

#include <cstddef>

namespace logbus::producer {

/// `bytes` of zeroed private memory, never given back, which the kernel wipes in a forked child
/// (MADV_WIPEONFORK); where the kernel can't, a fork handler does. Null without memory. Any thread.
void* wiped_on_fork(std::size_t bytes) noexcept;

}  // namespace logbus::producer
