// SPDX-License-Identifier: MIT
// Linux calls without a libc wrapper: futex, membarrier, open-file-description locks.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace logbus::base {

/// Shared futexes (between processes): no PRIVATE flag.
/// Waits while *word == expected, at most `timeout`. Returns early without a reason.
void futex_wait(const void* word, std::uint32_t expected, std::chrono::nanoseconds timeout) noexcept;
/// Wakes up to `count` waiters.
void futex_wake(const void* word, int count) noexcept;

/// Makes the calling process one that membarrier_global() reaches. False: this kernel has none.
bool membarrier_register() noexcept;
/// A full barrier on every running thread of all registered processes (MEMBARRIER_CMD_GLOBAL_EXPEDITED).
bool membarrier_global() noexcept;

/// A write lock on one byte of the file, owned by `fd`'s open file description. False: somebody else has it.
/// Throws Error if the file system has no such locks.
bool try_lock_byte(int fd, std::int64_t byte);
bool unlock_byte(int fd, std::int64_t byte) noexcept;
/// Whether any other description holds a lock in [first, first + count).
bool is_locked(int fd, std::int64_t first, std::int64_t count) noexcept;

}  // namespace logbus::base
