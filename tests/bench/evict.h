// SPDX-License-Identifier: MIT
// Makes the caches cold: a burst after it finds neither its data nor its code nearer than where other
// programs would have left them.
#pragma once

#include <cstddef>
#include <vector>

#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

extern "C" const char __executable_start, etext;  // the linker's: this program's code lies between them

namespace logbus::bench {

class Evictor {
 public:
  /// Twice the second level cache: more than it and the first hold, and about as many pages as the TLB knows.
  /// Not more: it has to be over before a sidecar that drained the last burst goes to sleep.
  Evictor() : memory_(2 * second_level_bytes()) {}

  void evict() noexcept {
    for (std::size_t i = 0; i < memory_.size(); i += 64) memory_[i] = static_cast<char>(memory_[i] + 1);
    // Walking data does not push code out of the first level's other half.
    evict_code();
  }

 private:
#if defined(__x86_64__)
  [[gnu::target("clflushopt")]] static void evict_code() noexcept {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & bit_CLFLUSHOPT) == 0) return;
    for (const char* code = &__executable_start; code < &etext; code += 64)
      _mm_clflushopt(const_cast<char*>(code));
    _mm_mfence();
  }
#else
  static void evict_code() noexcept {}
#endif
  static std::size_t second_level_bytes() noexcept {
    const long bytes = ::sysconf(_SC_LEVEL2_CACHE_SIZE);
    return bytes > 0 ? static_cast<std::size_t>(bytes) : std::size_t{2} << 20;
  }

  std::vector<char> memory_;
};

}  // namespace logbus::bench
