// SPDX-License-Identifier: MIT
// Call sites, interned once a bus by content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "shm/segment.h"

namespace logbus::shm {

/// A longer one is not entered, and its records carry it with them: a bound for what a reader looks through.
inline constexpr std::size_t kLongestSite = 64 << 10;

/// The worker's side. Any thread; lock-free; one call a site and process.
///
///   word (64 bits)  = {hash tag:32, offset/8:32}; 0: free.   id = index of the word, never 0
///   entry at offset = {u32 length, u32 crc, bytes...}, 8-aligned
class SiteTable {
 public:
  explicit SiteTable(const Segment& segment) noexcept : segment_(segment) {}

  /// The id of the site with this content, entering it if it is new; 0 if it is too long, the table or the
  /// arena full.
  std::uint32_t intern(std::span<const std::byte> content, std::uint64_t hash) const noexcept;

  /// The table's word; `id` may be anything. As long as it is the same, so is the entry.
  std::uint64_t word(std::uint32_t id) const noexcept;
  /// A copy of the entry's content; nothing if there is none or it is damaged. `id` may be anything.
  std::optional<std::vector<std::byte>> read(std::uint32_t id) const;

 private:
  std::span<const std::byte> arena() const noexcept;

  const Segment& segment_;
};

/// The same for tables that were read into memory: `arena` is what is there of it, `word` the table's word.
std::optional<std::span<const std::byte>> parse_site(std::uint64_t word,
                                                     std::span<const std::byte> arena) noexcept;

}  // namespace logbus::shm
