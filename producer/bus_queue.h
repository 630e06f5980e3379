// SPDX-License-Identifier: MIT
// The bus as a Queue: whole records, without a site.
#pragma once

#include <logbus/queue.h>

namespace logbus::producer {

/// The producer's side only. While there is no bus, records go to the fallback handler.
class BusQueue : public Queue {
 public:
  bool put_nowait(const LogRecord& record) override;
  bool get(LogRecord&, std::chrono::milliseconds) override { return false; }
};

}  // namespace logbus::producer
