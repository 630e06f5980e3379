// SPDX-License-Identifier: MIT
// What could end a thread or the process in the middle of a logging call's system calls.
#pragma once

#include <pthread.h>

#include <csignal>
#include <ctime>

namespace logbus::producer {

/// pthread_cancel() takes effect later: it would unwind through functions that are noexcept, which ends the
/// process. The quick path has no system call, and so no place where a cancellation could come.
class NotCancelled {
 public:
  NotCancelled() noexcept { ::pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before_); }
  ~NotCancelled() { ::pthread_setcancelstate(before_, nullptr); }
  NotCancelled(const NotCancelled&) = delete;
  NotCancelled& operator=(const NotCancelled&) = delete;

 private:
  int before_ = 0;
};

/// A write to a pipe that nobody reads, or over RLIMIT_FSIZE, fails; it sends no signal. Both signals are
/// sent to the thread that writes, so what has come meanwhile is ours.
class NoWriteSignals {
 public:
  NoWriteSignals() noexcept {
    ::sigemptyset(&signals_);
    ::sigset_t pending;
    ::sigpending(&pending);
    for (const int number : {SIGPIPE, SIGXFSZ})
      if (::sigismember(&pending, number) == 0) ::sigaddset(&signals_, number);
    ::pthread_sigmask(SIG_BLOCK, &signals_, &before_);
  }
  ~NoWriteSignals() {
    constexpr timespec kNow{0, 0};
    while (::sigtimedwait(&signals_, nullptr, &kNow) > 0) continue;
    ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  NoWriteSignals(const NoWriteSignals&) = delete;
  NoWriteSignals& operator=(const NoWriteSignals&) = delete;

 private:
  ::sigset_t signals_, before_;
};

}  // namespace logbus::producer
