// SPDX-License-Identifier: MIT
// Python's NullHandler.
#pragma once

#include <logbus/detail/abi.h>
#include <logbus/handler.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Does nothing, and by being there keeps lastResort quiet. Filters are not asked. Source:
/// logging.NullHandler.
class NullHandler : public Handler {
 public:
  bool handle(const LogRecord&) noexcept override { return true; }
  std::string_view class_name() const noexcept override { return "NullHandler"; }

 protected:
  void emit(const LogRecord&) override {}
};

}  // namespace abi1
}  // namespace logbus
