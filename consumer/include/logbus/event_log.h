// SPDX-License-Identifier: MIT
// A system's event log, as Windows has one: what an NTEventLogHandler writes to.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Windows' numbers. Source: winnt.h, EVENTLOG_..._TYPE.
enum class EventType : std::uint16_t { kSuccess = 0, kError = 1, kWarning = 2, kInformation = 4 };

/// Which level is an event of which type. Source: typemap and deftype of
/// logging.handlers.NTEventLogHandler.
struct EventTypes {
  std::map<int, EventType> by_level{{10, EventType::kInformation},
                                    {20, EventType::kInformation},
                                    {30, EventType::kWarning},
                                    {40, EventType::kError},
                                    {50, EventType::kError}};
  EventType otherwise = EventType::kError;

  EventType of(int levelno) const {
    const auto found = by_level.find(levelno);
    return found != by_level.end() ? found->second : otherwise;
  }
};

/// One source of events. Used by one thread at a time.
class EventLog {
 public:
  virtual ~EventLog() = default;
  /// Writes one event. `text`: UTF-8, what the message's `%1` stands for. Blocks as long as the service does.
  /// Throws Error if it refuses.
  virtual void report(EventType type, std::uint16_t category, std::uint32_t message_id,
                      std::string_view text) = 0;
};

/// Windows: registers the source `app_name` under the log `log_type`, with `dll_name` for its messages
/// (empty: the system's EventCreate.exe, whose messages 1 to 1000 are the text alone), and gives it; without
/// the right to register it, it is taken to be there already. Throws Error. Elsewhere: null.
std::unique_ptr<EventLog> open_event_log(std::string_view app_name, std::string_view dll_name,
                                         std::string_view log_type);

}  // namespace abi1
}  // namespace logbus
