// SPDX-License-Identifier: MIT
// The process's table of the ids that its call sites have on the bus.
#include "producer/site_ids.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <span>
#include <string>

#include "producer/level_names.h"
#include "producer/logger_tree.h"
#include "producer/process.h"
#include "shm/site_table.h"
#include "wire/codec.h"

namespace logbus::producer {
namespace {

using detail::SiteEntry;

constexpr std::uint64_t kFirstCapacity = 512;  // 8 KiB
/// At most an eighth is used, so that nearly all sites are found at the first place.
constexpr std::uint64_t kSparse = 8;

/// Tables are replaced by larger ones and never freed: threads read the old one until they come by here.
struct Table {
  std::uint8_t bus_uuid[16];
  std::uint64_t capacity;  // power of two
  std::uint64_t used;      // under sites_lock
  SiteEntry* entries;
};
std::atomic<Table*> current{nullptr};

Table* make_table(const shm::Segment& segment, std::uint64_t capacity) noexcept {
  auto* table = new (std::nothrow) Table{};
  if (table == nullptr) return nullptr;
  table->entries = new (std::nothrow) SiteEntry[capacity]();
  if (table->entries == nullptr) {
    delete table;
    return nullptr;
  }
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
  wire::Site content;
  content.name = detail::LoggerTree::node(logger).name;
  content.levelno = levelno;
  content.levelname = level_name(levelno);
  content.pathname = site.file;
  content.lineno = site.line;
  content.func_name = site.function;
  content.style = site.style;
  content.format = site.text();
  std::string bytes;
  wire::encode_site(content, bytes);
  return shm::SiteTable(segment).intern(std::as_bytes(std::span(bytes)), key);
}

}  // namespace

SiteTable site_table_of(const shm::Segment& segment) noexcept {
  static SiteEntry none[1] = {};
  const Table* table = table_for(segment);
  return table == nullptr ? SiteTable{none, 0} : SiteTable{table->entries, table->capacity - 1};
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
