// SPDX-License-Identifier: MIT
// The handlers and the logger tree that a configuration describes, alive.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <logbus/handler.h>

#include "dispatcher.h"
#include "sidecar/async_queue.h"
#include "sidecar/config.h"

namespace logbus::sidecar {

struct Pipeline {
  /// The configuration's, one for each of its settings, in that order. Shared with the tree.
  Handlers handlers;
  /// Behind those of them that are QueueHandlers with a thread of their own. Shared with a pipeline before
  /// it.
  std::vector<std::shared_ptr<AsyncQueue>> queues;
  /// Those that the drain's thread writes to, and the last resort.
  Handlers direct;
  /// For records that find no handler.
  std::shared_ptr<Handler> last_resort;
  std::unique_ptr<consumer::Dispatcher> dispatcher;
  /// What is yet to be done with a handler that was taken over and may be at work behind a queue: it takes
  /// its lock. See settle().
  struct Unsettled {
    std::shared_ptr<Handler> handler;
    std::function<void()> change;
  };
  std::vector<Unsettled> unsettled;
};

/// Opens what has to be opened; starts no thread. `in_use`: files that a sidecar was killed at, which are not
/// emptied. Throws Error that names the file that can't be.
Pipeline build_pipeline(const Configuration& configuration, const std::vector<std::string>& in_use = {});

/// A pipeline that is served, and its configuration.
struct Served {
  const Configuration& configuration;
  const Pipeline& pipeline;
};
/// The same beside one that is served: its handlers that are described as before are taken over, with the
/// level and the formatter of `configuration`; what the others have written is not emptied. Call it while
/// nobody handles records. If it throws, `served` is as it was.
Pipeline rebuild_pipeline(const Configuration& configuration, const Served& served);

/// The queue behind the handler, if it has one of its own; or null.
std::shared_ptr<AsyncQueue> queue_of(const Pipeline& pipeline, const Handler& handler);

/// A handler that has a server does not wait for it beyond `end`, or, if that is over, for long: several that
/// don't answer, one after the other, are not to take longer than the end may. Any thread.
void end_by(Handler& handler, std::chrono::steady_clock::time_point end);

/// What a handler could not deliver before its end.
struct Loss {
  std::string handler;
  std::uint64_t records = 0;
  bool stands_still = false;  // it, or one behind it, has not returned: it is left alone, on its thread
};
using Losses = std::vector<Loss>;

/// Before `to` is served instead of `from`: what its handlers would come in front of is written. That is what
/// MemoryHandlers hold, and what is in a queue to a file that `to` writes directly. That queue ends here,
/// after `timeout` at most. Call it while nobody handles records.
Losses hand_over(const Pipeline& from, const Pipeline& to, std::chrono::milliseconds timeout);

/// Completes a rebuilt pipeline, which may be served before, as far as handlers behind queues are not at
/// work. False: some are, and may stand still; to be called again. Not on the drain's thread.
bool settle(Pipeline& pipeline);

/// Starts the threads that `before` hasn't started yet.
void start_queues(const Pipeline& pipeline, const Pipeline& before = {});

/// Flushes and closes the handlers, the last made first, as logging.shutdown() does; but not those that are
/// in `kept` too. Queues are handled to their end, and what handlers behind them keep is tried again, for
/// `timeout` at most. Errors go to the handler.
Losses close_handlers(const Pipeline& pipeline, std::chrono::milliseconds timeout, const Pipeline& kept = {});

}  // namespace logbus::sidecar
