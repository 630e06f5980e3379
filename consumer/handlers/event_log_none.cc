// SPDX-License-Identifier: MIT
// Systems without an event log.
#include <logbus/event_log.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

std::unique_ptr<EventLog> open_event_log(std::string_view, std::string_view, std::string_view) {
  return nullptr;
}

}  // namespace abi1
}  // namespace logbus
