// SPDX-License-Identifier: MIT
// Descriptors that a forked child must not have: a kernel lock lasts until its last descriptor is closed,
// whoever has it.
#pragma once

#include "base/unique_fd.h"

namespace logbus::base {

/// While it lives no other thread of the process forks (by fork(3); a bare clone(2) is not held up). For a
/// few system calls. A signal handler over it may fork, and may make another one.
class NoForkMeanwhile {
 public:
  NoForkMeanwhile() noexcept;
  ~NoForkMeanwhile();
  NoForkMeanwhile(const NoForkMeanwhile&) = delete;
  NoForkMeanwhile& operator=(const NoForkMeanwhile&) = delete;
};

/// Closed in forked children. Of more than sixteen at a time the children have the rest.
class UninheritedFd {
 public:
  UninheritedFd() = default;
  UninheritedFd(UniqueFd fd, const NoForkMeanwhile& since_it_was_opened) noexcept;
  UninheritedFd(UninheritedFd&& other) noexcept : fd_(std::move(other.fd_)) {}
  UninheritedFd& operator=(UninheritedFd&& other) noexcept;
  ~UninheritedFd() { reset(); }

  explicit operator bool() const noexcept { return static_cast<bool>(fd_); }
  void reset() noexcept;

 private:
  UniqueFd fd_;
};

}  // namespace logbus::base
