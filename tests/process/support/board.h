// SPDX-License-Identifier: MIT
// What a worker's threads leave behind of themselves: a mapped file that outlives a kill. support/board.py
// reads it.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

namespace logbus::testing {

using Word = std::atomic<std::uint64_t>;
static_assert(Word::is_always_lock_free);

inline constexpr std::size_t kSlowCalls = 250;
/// Calls that take longer are noted.
inline constexpr std::uint64_t kSlowNs = 1'000'000;

/// One thread of one process, as long as it logs. Its records are numbered from 0.
struct alignas(4096) BoardEntry {
  Word begun;     // calls
  Word returned;  // calls
  Word pid;
  Word tid;
  Word stage;  // 0: not yet, 1: logs, 2: its thread or process has ended as it meant to
  Word slow;   // calls noted; beyond kSlowCalls only counted
  struct {
    Word number, nanoseconds;
  } slow_calls[kSlowCalls];
};
static_assert(sizeof(BoardEntry) == 4096);

struct alignas(4096) Board {
  static constexpr std::uint64_t kEntries = 4095;

  Word stop;        // by the driver: end, all of you
  Word used;        // entries
  Word bad_status;  // of a child that has died as none should
  BoardEntry entries[kEntries];

  /// Opened, or made. Shared by a worker, its children, and what they become by exec. Ends the process if
  /// that fails.
  static Board& open(const std::string& path);
  /// Null: all are taken.
  BoardEntry* take() noexcept;
};

}  // namespace logbus::testing
