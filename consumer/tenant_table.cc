// SPDX-License-Identifier: MIT
#include "tenant_table.h"

#include <cstring>
#include <utility>

namespace logbus::consumer {

using namespace detail;

const Tenant& TenantTable::read(std::uint32_t lane, std::uint64_t key, LaneWord word) {
  const ProducerLine& line = segment_.producer_line(lane);
  Tenant& tenant = tenants_[lane];
  if (word.state == LaneState::kFree) return tenant;  // the last one's
  tenant = of_slot(word.slot);
  tenant.word = key;
  tenant.version = ++last_version_;
  tenant.thread = line.thread.load(std::memory_order_relaxed);
  const char(&name)[64] = line.thread_name[line.name_index.load(std::memory_order_acquire) & 1];
  tenant.thread_name.assign(name, ::strnlen(name, sizeof name));
  return tenant;
}

Tenant TenantTable::of_slot(std::uint32_t index) const {
  const shm::ProcessSlot& slot = segment_.slot(index);
  Tenant tenant;
  tenant.process = slot.pid.load(std::memory_order_relaxed);
  tenant.start_ns = static_cast<std::int64_t>(slot.attach_realtime_ns.load(std::memory_order_relaxed));
  tenant.process_name.assign(slot.process_name, ::strnlen(slot.process_name, sizeof slot.process_name));
  return tenant;
}

void TenantTable::rename(std::uint32_t lane, wire::Names names) {
  Tenant& tenant = tenants_[lane];
  tenant.version = ++last_version_;
  if (names.thread_name) tenant.thread_name = std::move(*names.thread_name);
  if (names.process_name) tenant.process_name = std::move(*names.process_name);
}

}  // namespace logbus::consumer
