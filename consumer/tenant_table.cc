// SPDX-License-Identifier: MIT
#include "tenant_table.h"

#include <cstring>
#include <utility>

namespace logbus::consumer {

using namespace detail;

const Tenant& TenantTable::of_lane(std::uint32_t lane) {
  const ProducerLine& line = segment_.producer_line(lane);
  // Acquire: pairs with the claim; the identity of the frame's writer, or of the same tenant since CLOSED. A
  // later tenant cannot be there before these frames' read position is published.
  const LaneWord word = unpack_lane(line.word.load(std::memory_order_acquire));
  const std::uint64_t key = pack({LaneState::kOpen, word.slot, word.tenancy});
  Tenant& tenant = tenants_[lane];
  if (tenant.word == key || word.slot >= segment_.slots()) return tenant;
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
