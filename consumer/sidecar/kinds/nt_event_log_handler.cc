// SPDX-License-Identifier: MIT
// logging.handlers.NTEventLogHandler.
#include <logbus/nt_event_log_handler.h>

#include "sidecar/kinds/kinds.h"

namespace logbus::sidecar {

void read_nt_event_log_handler(HandlerReading& reading) {
  Section& section = reading.section;
  if (section.find("appname") == nullptr)
    section.diagnostics().error(section.place(), "the key 'appname' is missing");
  const std::string app_name = section.string("appname").value_or("");
  const std::string dll_name = section.string("dllname").value_or("");
  const std::string log_type = section.string("logtype").value_or("Application");
  section.diagnostics().warning(section.place(), "there is no Windows event log here: its records are lost");
  reading.settings.make = [=](const Making&) {
    return std::make_shared<NTEventLogHandler>(app_name, dll_name, log_type);
  };
}

}  // namespace logbus::sidecar
