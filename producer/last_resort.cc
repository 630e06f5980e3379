// SPDX-License-Identifier: MIT
// Where records go that no handler takes.
#include "producer/last_resort.h"

#include "producer/stderr_handler.h"

namespace logbus::producer {

Handler& last_resort() {
  // Never destroyed: static destructors log too.
  static auto* handler = [] {
    auto* made = new StderrHandler;
    made->set_level(Level::kWarning);
    return made;
  }();
  return *handler;
}

}  // namespace logbus::producer
