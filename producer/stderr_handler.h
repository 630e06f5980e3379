// SPDX-License-Identifier: MIT
// The library's own StreamHandler on stderr: one that a forked child can go on with.
#pragma once

#include <logbus/stream_handler.h>

namespace logbus::producer {

/// Its lock is held over fork(): a child never finds it taken by a thread that it doesn't have. Python gives
/// a child's handlers new locks for this.
class StderrHandler : public StreamHandler {
 public:
  StderrHandler();
  ~StderrHandler() override;

 private:
  friend struct StderrHandlers;
};

}  // namespace logbus::producer
