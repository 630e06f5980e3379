// SPDX-License-Identifier: MIT
// The process's table of the ids that its call sites have on the bus.
#include "producer/site_ids.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <vector>

#include <logbus/detail/encode_bytes.h>

#include "producer/level_names.h"
#include "producer/logger_tree.h"
#include "producer/process.h"
#include "shm/site_table.h"

namespace logbus::producer {
namespace {

using detail::SiteEntry;

constexpr std::uint64_t kFirstCapacity = 512;  // 8 KiB
/// At most an eighth is used, so that nearly all sites are found at the first place.
constexpr std::uint64_t kSparse = 8;

constexpr std::size_t kNumberSize = 9;

/// Tables are replaced by larger ones and never freed: threads read the old one until they come by here.
struct Table {
  std::uint8_t bus_uuid[16];
  std::uint64_t capacity;  // power of two
  std::uint64_t used;      // under sites_lock
  SiteEntry* entries;
};
std::atomic<Table*> current{nullptr};

/// Straight from the kernel: a signal handler may be here while its thread is inside malloc.
Table* make_table(const shm::Segment& segment, std::uint64_t capacity) noexcept {
  void* const memory = ::mmap(nullptr, sizeof(Table) + capacity * sizeof(SiteEntry), PROT_READ | PROT_WRITE,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* table = new (memory) Table{};
  table->entries = reinterpret_cast<SiteEntry*>(table + 1);  // zero bytes are free places
  std::memcpy(table->bus_uuid, segment.preamble().bus_uuid, sizeof table->bus_uuid);
  table->capacity = capacity;
  return table;
}

bool is_of(const Table& table, const shm::Segment& segment) noexcept {
  return std::memcmp(table.bus_uuid, segment.preamble().bus_uuid, sizeof table.bus_uuid) == 0;
}

/// The place of `key`, or the free one where it would go.
SiteEntry& place_of(const Table& table, std::uint64_t key) noexcept {
  std::uint64_t at = key;
  // Ends: most places are free.
  for (;; ++at) {
    SiteEntry& entry = table.entries[at & (table.capacity - 1)];
    const std::uint64_t found = entry.key.load(std::memory_order_acquire);
    if (found == key || found == 0) return entry;
  }
}

void put(Table& table, std::uint64_t key, std::uint32_t id) noexcept {
  SiteEntry& entry = place_of(table, key);
  const bool is_new = entry.key.load(std::memory_order_relaxed) == 0;
  entry.id.store(id, std::memory_order_relaxed);
  // Release: who sees the key sees the id.
  entry.key.store(key, std::memory_order_release);
  table.used += is_new;
}

Table* grown(const shm::Segment& segment, const Table& old) noexcept {
  Table* table = make_table(segment, old.capacity * 2);
  if (table == nullptr) return nullptr;
  for (std::uint64_t i = 0; i < old.capacity; ++i) {
    const std::uint64_t key = old.entries[i].key.load(std::memory_order_relaxed);
    if (key != 0) put(*table, key, old.entries[i].id.load(std::memory_order_relaxed));
  }
  return table;
}

Table* table_for(const shm::Segment& segment) noexcept {
  Table* table = current.load(std::memory_order_acquire);
  if (table != nullptr && is_of(*table, segment)) return table;
  Table* made = make_table(segment, kFirstCapacity);
  if (made == nullptr) return nullptr;
  // Who loses the race leaves a small table behind; threads on the old bus keep the old one.
  if (current.compare_exchange_strong(table, made, std::memory_order_acq_rel)) return made;
  return is_of(*table, segment) ? table : made;
}

void remember(const shm::Segment& segment, std::uint64_t key, std::uint32_t id) noexcept {
  // Not waited for: without the entry the site is looked up on the bus once more.
  const TryLock lock(process_state()->sites_lock);
  Table* table = table_for(segment);
  if (!lock || table == nullptr) return;
  if ((table->used + 1) * kSparse > table->capacity) {
    Table* larger = grown(segment, *table);
    if (larger == nullptr) return;
    current.store(larger, std::memory_order_release);
    table = larger;
  }
  put(*table, key, id);
}

/// 0 if the bus has no room for it.
std::uint32_t intern(const shm::Segment& segment, std::uint64_t key, const detail::LoggerGate& logger,
                     int levelno, const detail::CallSite& site) {
  char on_stack[2048];
  std::size_t size = encode_site(logger, levelno, site, on_stack);
  if (size != 0) return shm::SiteTable(segment).intern(std::as_bytes(std::span(on_stack, size)), key);
  std::vector<char> bytes(4 * sizeof on_stack);
  while ((size = encode_site(logger, levelno, site, bytes)) == 0) bytes.resize(bytes.size() * 2);
  return shm::SiteTable(segment).intern(std::as_bytes(std::span(bytes.data(), size)), key);
}

}  // namespace

SiteTable site_table_of(const shm::Segment& segment) noexcept {
  static SiteEntry none[1] = {};
  const Table* table = table_for(segment);
  return table == nullptr ? SiteTable{none, 0} : SiteTable{table->entries, table->capacity - 1};
}

std::size_t encode_site(const detail::LoggerGate& logger, int levelno, const detail::CallSite& site,
                        std::span<char> to) noexcept {
  const std::string_view name = detail::LoggerTree::node(logger).name;
  const LevelName level(levelno);
  const std::string_view texts[] = {name, level.text(), site.file, site.function, site.text()};
  std::size_t size = 1 + 3 * kNumberSize;
  for (const std::string_view text : texts) size += detail::kStrHeaderSize + text.size();
  if (size > to.size()) return 0;
  char* at = detail::write_array_header(to.data(), 8);
  at = detail::write_key(at, texts[0]);
  at = detail::put_i64(at, levelno);
  at = detail::write_key(at, texts[1]);
  at = detail::write_key(at, texts[2]);
  at = detail::put_i64(at, site.line);
  at = detail::write_key(at, texts[3]);
  at = detail::put_i64(at, static_cast<std::int64_t>(site.style));
  at = detail::write_key(at, texts[4]);
  return static_cast<std::size_t>(at - to.data());
}

std::uint32_t site_id(const shm::Segment& segment, std::uint64_t key, const detail::LoggerGate& logger,
                      int levelno, const detail::CallSite& site) noexcept {
  const SiteTable table = site_table_of(segment);
  detail::hot_thread.sites = table.entries;
  detail::hot_thread.site_mask = table.mask;
  for (std::uint64_t at = key; table.mask != 0; ++at) {
    const SiteEntry& entry = table.entries[at & table.mask];
    const std::uint64_t found = entry.key.load(std::memory_order_acquire);
    if (found == key) return entry.id.load(std::memory_order_relaxed);
    if (found == 0) break;
  }
  try {
    const std::uint32_t id = intern(segment, key, logger, levelno, site);
    remember(segment, key, id);
    const SiteTable now = site_table_of(segment);
    detail::hot_thread.sites = now.entries;
    detail::hot_thread.site_mask = now.mask;
    return id;
  } catch (...) {
    return 0;
  }
}

}  // namespace logbus::producer
