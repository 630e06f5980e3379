// SPDX-License-Identifier: MIT
#include "board.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace logbus::testing {

Board& Board::open(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  void* at = MAP_FAILED;
  if (fd >= 0 && ::ftruncate(fd, sizeof(Board)) == 0)
    at = ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) {
    std::perror(path.c_str());
    std::_Exit(3);
  }
  ::close(fd);
  return *static_cast<Board*>(at);
}

BoardEntry* Board::take() noexcept {
  const std::uint64_t index = used.fetch_add(1, std::memory_order_relaxed);
  if (index >= kEntries) return nullptr;
  BoardEntry& entry = entries[index];
  entry.pid.store(static_cast<std::uint64_t>(::getpid()), std::memory_order_relaxed);
  entry.tid.store(static_cast<std::uint64_t>(::syscall(SYS_gettid)), std::memory_order_relaxed);
  entry.stage.store(1, std::memory_order_relaxed);
  return &entry;
}

}  // namespace logbus::testing
