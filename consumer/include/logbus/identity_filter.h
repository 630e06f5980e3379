// SPDX-License-Identifier: MIT
// For receivers that must not take a record twice.
#pragma once

#include <logbus/detail/abi.h>
#include <logbus/filter.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Passes every record, and adds the extra field `record_id`: "<bus>-<lane>-<position>", the first two in
/// hexadecimal digits (16 and 4), the position, bytes of the lane so far, in 16 of them. A record that is
/// delivered again, after a crash of the sidecar or a broken connection, has the same; no other record of any
/// bus has it; within a lane, a later one's is larger. Records that were on no bus, such as the sidecar's
/// own, get none. Python has no such class.
class IdentityFilter : public Filter {
 public:
  bool filter(LogRecord& record) const override;
};

}  // namespace abi1
}  // namespace logbus
