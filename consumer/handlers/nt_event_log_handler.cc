// SPDX-License-Identifier: MIT
// Python's NTEventLogHandler.
#include <logbus/nt_event_log_handler.h>

#include <cstdio>
#include <mutex>
#include <utility>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

NTEventLogHandler::NTEventLogHandler(std::string_view app_name, std::string_view dll_name,
                                     std::string_view log_type)
    : log_(open_event_log(app_name, dll_name, log_type)) {
  if (log_ != nullptr) return;
  std::puts(
      "The Python Win32 extensions for NT (service, event logging) appear not to be available.");  // Python's
  std::fflush(stdout);
}

void NTEventLogHandler::set_event_types(EventTypes types) {
  const std::lock_guard guard(lock());
  types_ = std::move(types);
}

std::uint32_t NTEventLogHandler::get_message_id(const LogRecord&) const {
  return 1;
}

std::uint16_t NTEventLogHandler::get_event_category(const LogRecord&) const {
  return 0;
}

EventType NTEventLogHandler::get_event_type(const LogRecord& record) const {
  return types_.of(record.levelno);
}

void NTEventLogHandler::emit(const LogRecord& record) {
  if (log_ == nullptr) return;
  const std::uint32_t message_id = get_message_id(record);
  const std::uint16_t category = get_event_category(record);
  const EventType type = get_event_type(record);
  text_.clear();
  format(record, text_);
  log_->report(type, category, message_id, text_);
}

}  // namespace abi1
}  // namespace logbus
