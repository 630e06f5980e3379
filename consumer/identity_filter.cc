// SPDX-License-Identifier: MIT
#include <logbus/identity_filter.h>

#include <fmt/format.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

bool IdentityFilter::filter(LogRecord& record) const {
  const RecordOrigin& origin = record.origin;
  if (origin.bus != 0)
    record.extra.emplace_back(
        "record_id", fmt::format("{:016x}-{:04x}-{:016x}", origin.bus, origin.lane, origin.position));
  return true;
}

}  // namespace abi1
}  // namespace logbus
