// SPDX-License-Identifier: MIT
// Interning (FORMAT.md, "Sites"): content first, then one CAS that claims and publishes at once.
#include "shm/site_table.h"

#include <algorithm>
#include <boost/crc.hpp>
#include <cstring>

namespace logbus::shm {
namespace {

using namespace detail;

struct EntryHeader {
  std::uint32_t length;
  std::uint32_t crc;
};

std::uint32_t checksum(std::span<const std::byte> bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

/// Room in the arena, given out once and for all; nothing when it is full.
std::byte* allocate(const Segment& segment, std::uint64_t size, std::uint64_t& offset) noexcept {
  Word64& top = segment.shared().arena_top;
  offset = top.load(std::memory_order_relaxed);
  do {
    if (offset > segment.preamble().site_arena.size || segment.preamble().site_arena.size - offset < size)
      return nullptr;
    // Relaxed: the bytes are ours alone until the table's word names them.
  } while (!top.compare_exchange_weak(offset, offset + size, std::memory_order_relaxed));
  std::byte* at = segment.site_arena() + offset;
  return segment.back(at, size) ? at : nullptr;
}

/// Puts the entry into the arena; the word for it, 0 if there is no room.
std::uint64_t enter(const Segment& segment, std::span<const std::byte> content, std::uint64_t tag) noexcept {
  const std::uint64_t size = (sizeof(EntryHeader) + content.size() + 7) & ~std::uint64_t{7};
  std::uint64_t offset = 0;
  std::byte* at = allocate(segment, size, offset);
  if (at == nullptr || offset / 8 > 0xFFFFFFFF) return 0;
  const EntryHeader header{static_cast<std::uint32_t>(content.size()), checksum(content)};
  std::memcpy(at, &header, sizeof header);
  if (!content.empty()) std::memcpy(at + sizeof header, content.data(), content.size());
  return tag << 32 | offset / 8;
}

}  // namespace

std::optional<std::span<const std::byte>> parse_site(std::uint64_t word,
                                                     std::span<const std::byte> arena) noexcept {
  const std::uint64_t offset = (word & 0xFFFFFFFF) * 8;
  if (word == 0 || offset > arena.size() || arena.size() - offset < sizeof(EntryHeader)) return std::nullopt;
  EntryHeader header;
  std::memcpy(&header, arena.data() + offset, sizeof header);
  if (header.length > kLongestSite || header.length > arena.size() - offset - sizeof header)
    return std::nullopt;
  const auto content = arena.subspan(offset + sizeof header, header.length);
  if (checksum(content) != header.crc) return std::nullopt;
  return content;
}

std::uint32_t SiteTable::intern(std::span<const std::byte> content, std::uint64_t hash) const noexcept {
  if (content.size() > kLongestSite) return 0;
  Word64* table = segment_.site_table();
  const std::uint32_t mask = segment_.preamble().sites - 1;
  const std::uint64_t tag = hash >> 32;
  std::uint64_t ours = 0;  // the word for our copy, once it lies in the arena
  // Half the table is probed at most: past that it is as good as full.
  for (std::uint32_t probe = 0; probe <= mask / 2; ++probe) {
    const std::uint32_t index = (static_cast<std::uint32_t>(hash) + probe) & mask;
    if (index == 0) continue;  // id 0 means "no site"
    // Acquire: pairs with the CAS below; the entry's bytes are there.
    std::uint64_t word = table[index].load(std::memory_order_acquire);
#ifdef LOGBUS_MUTANT_CLAIM_THEN_PUBLISH
    // The word is taken first and leads to the entry later: until then nobody can tell what it is.
    if (word == 0 && table[index].compare_exchange_strong(word, tag << 32 | 0xFFFFFFFF)) {
      ours = enter(segment_, content, tag);
      table[index].store(ours);
      segment_.shared().sites_used.fetch_add(1);
      return ours != 0 ? index : 0;
    }
#else
    if (word == 0) {
      if (ours == 0) ours = enter(segment_, content, tag);
      if (ours == 0) return 0;
      if (table[index].compare_exchange_strong(word, ours, std::memory_order_acq_rel,
                                               std::memory_order_acquire)) {
        segment_.shared().sites_used.fetch_add(1, std::memory_order_relaxed);
        return index;
      }
    }
#endif
    // Somebody's: the tag only saves the comparison, it never proves that the content is the same.
    if (word >> 32 != tag) continue;
    const auto theirs = parse_site(word, arena());
    if (theirs && theirs->size() == content.size() &&
        std::memcmp(theirs->data(), content.data(), content.size()) == 0)
      return index;  // our copy, if we made one, is lost room in the arena: rare, and bounded by the racers
  }
  return 0;
}

/// Never read a hole through the mapping: only what has been given out. Relaxed: an entry's room was taken
/// before the word that names it was published.
std::span<const std::byte> SiteTable::arena() const noexcept {
  const std::uint64_t top = segment_.shared().arena_top.load(std::memory_order_relaxed);
  return {segment_.site_arena(), std::min(top, segment_.preamble().site_arena.size)};
}

std::uint64_t SiteTable::word(std::uint32_t id) const noexcept {
  if (id == 0 || id >= segment_.preamble().sites) return 0;
  return segment_.site_table()[id].load(std::memory_order_acquire);
}

std::optional<std::vector<std::byte>> SiteTable::read(std::uint32_t id) const {
  const auto content = parse_site(word(id), arena());
  if (!content) return std::nullopt;
  return std::vector<std::byte>(content->begin(), content->end());
}

}  // namespace logbus::shm
