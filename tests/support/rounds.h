// SPDX-License-Identifier: MIT
// How often something random is tried that has one thread.
#pragma once

#if !defined(__has_feature)
#define __has_feature(feature) 0
#endif

namespace logbus {

/// Sanitizers look at what each line does, not at what comes out, and take ten times as long.
constexpr int rounds(int all) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
  return (all + 9) / 10;
#else
  return all;
#endif
}

}  // namespace logbus
