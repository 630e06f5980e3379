// SPDX-License-Identifier: MIT
// The library's own lines on stderr.
#include "producer/complaint.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "producer/undisturbed.h"

namespace logbus::producer {

void complain(std::string_view what) noexcept {
  const int saved = errno;
  const NotCancelled guard;
  const NoWriteSignals no_signals;
  char line[1024] = "logbus: ";
  const std::size_t start = std::strlen(line);
  const std::size_t size = std::min(what.size(), sizeof line - start - 1);
  std::memcpy(line + start, what.data(), size);
  line[start + size] = '\n';
  // A worker that waits for whoever reads its stderr would be stopped by its logging.
  pollfd stderr_poll{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&stderr_poll, 1, 0) == 1 && (stderr_poll.revents & POLLOUT) != 0) {
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line, start + size + 1);
  }
  errno = saved;
}

}  // namespace logbus::producer
