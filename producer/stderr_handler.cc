// SPDX-License-Identifier: MIT
// The library's own StreamHandler on stderr.
#include "producer/stderr_handler.h"

#include <pthread.h>

#include <mutex>
#include <new>
#include <vector>

namespace logbus::producer {

/// All that there are, never destroyed.
struct StderrHandlers {
  std::mutex mutex;
  std::vector<StderrHandler*> alive;

  static StderrHandlers& instance() {
    static auto* made = [] {
      ::pthread_atfork([] { instance().lock_all(); }, [] { instance().unlock_all(); },
                       [] { instance().renew_all(); });
      return new StderrHandlers;
    }();
    return *made;
  }
  void lock_all() {
    mutex.lock();
    for (StderrHandler* handler : alive) handler->lock().lock();
  }
  void unlock_all() {
    for (StderrHandler* handler : alive) handler->lock().unlock();
    mutex.unlock();
  }
  /// In a child the owner of a recursive mutex is a thread of the parent's, by its id: nobody can unlock it.
  void renew_all() {
    for (StderrHandler* handler : alive) new (&handler->lock()) std::recursive_mutex;
    mutex.unlock();
  }
};

StderrHandler::StderrHandler() {
  StderrHandlers& handlers = StderrHandlers::instance();
  const std::lock_guard guard(handlers.mutex);
  handlers.alive.push_back(this);
}

StderrHandler::~StderrHandler() {
  StderrHandlers& handlers = StderrHandlers::instance();
  const std::lock_guard guard(handlers.mutex);
  std::erase(handlers.alive, this);
}

}  // namespace logbus::producer
