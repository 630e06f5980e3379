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

/// The worker's side. Any thread; lock-free; one call a site and process.
///
///   word (64 bits)  = {hash tag:32, offset/8:32}; 0: free.   id = index of the word, never 0
///   entry at offset = {u32 length, u32 crc, bytes...}, 8-aligned
class SiteTable {
 public:
  explicit SiteTable(const Segment& segment) noexcept : segment_(segment) {}

  /// The id of the site with this content, entering it if it is new; 0 if the table or the arena is full.
  std::uint32_t intern(std::span<const std::byte> content, std::uint64_t hash) const noexcept;

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
