// SPDX-License-Identifier: MIT
// Python's NTEventLogHandler: records to the Windows event log.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <logbus/detail/abi.h>
#include <logbus/event_log.h>
#include <logbus/handler.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Writes each record as an event. Where there is no event log, that is, everywhere but on Windows, it says
/// so on stdout, once, and does nothing else: as Python's. Source: logging.handlers.NTEventLogHandler.
/// Differs from Python: without a `dll_name` the messages are those of a program of the system, not of
/// pywin32.
class NTEventLogHandler : public Handler {
 public:
  /// Registers `app_name`: see open_event_log(). Throws Error.
  explicit NTEventLogHandler(std::string_view app_name, std::string_view dll_name = {},
                             std::string_view log_type = "Application");
  /// Over an event log of another kind; null: does nothing.
  explicit NTEventLogHandler(std::unique_ptr<EventLog> log) : log_(std::move(log)) {}

  /// Python's typemap and deftype.
  void set_event_types(EventTypes types);

  std::string_view class_name() const noexcept override { return "NTEventLogHandler"; }

 protected:
  void emit(const LogRecord& record) override;
  /// Of a message file of your own: which of its messages this is. 1. These three: with the lock held.
  virtual std::uint32_t get_message_id(const LogRecord& record) const;
  /// 0.
  virtual std::uint16_t get_event_category(const LogRecord& record) const;
  /// By the level's number.
  virtual EventType get_event_type(const LogRecord& record) const;

 private:
  std::unique_ptr<EventLog> log_;
  EventTypes types_;
  std::string text_;  // used again for each record
};

}  // namespace abi1
}  // namespace logbus
