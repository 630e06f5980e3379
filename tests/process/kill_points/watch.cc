// SPDX-License-Identifier: MIT
#include "watch.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>

#include "base/unique_fd.h"

namespace logbus::kill_points {

using detail::ConsumerControl;
using detail::Preamble;
using detail::Region;

Watch::Watch(const std::string& path) {
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return;
  size_ = static_cast<std::size_t>(status.st_size);
  void* const at = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) return;
  file_ = static_cast<const std::byte*>(at);
  const auto& preamble = *reinterpret_cast<const Preamble*>(file_);
  journal_ = preamble.journal.offset;
  const auto add = [this](std::size_t offset, std::size_t bytes) {
    parts_.push_back({file_ + offset, std::vector<std::byte>(file_ + offset, file_ + offset + bytes)});
  };
  const auto table = [&](const Region& region, std::size_t count) {
    add(region.offset, count * region.stride);
  };
  const std::size_t control = preamble.consumer_control.offset;
  add(control, offsetof(ConsumerControl, heartbeat_ticks));
  add(control + offsetof(ConsumerControl, drained),
      offsetof(ConsumerControl, passes) - offsetof(ConsumerControl, drained));
  table(preamble.consumer_lines, preamble.lanes);
  add(journal_, offsetof(shm::JournalHeader, tables));
  add(journal_ + shm::kJournalHeaderBytes, preamble.lanes * sizeof(shm::JournalLane));
  add(preamble.shared_control.offset, sizeof(detail::SharedControl) + sizeof(detail::Word64));
  table(preamble.slots_region, preamble.slots);
  table(preamble.producer_lines, preamble.lanes);
  table(preamble.step_table, preamble.lanes);
}

Watch::~Watch() {
  if (file_ != nullptr) ::munmap(const_cast<std::byte*>(file_), size_);
}

bool Watch::changed() {
  bool changed = false;
  for (Part& part : parts_) {
    if (std::memcmp(part.now, part.then.data(), part.then.size()) == 0) continue;
    std::memcpy(part.then.data(), part.now, part.then.size());
    changed = true;
  }
  if (changed)
    journal_state_ = static_cast<shm::JournalState>(
        reinterpret_cast<const shm::JournalHeader*>(file_ + journal_)->state.load());
  return changed;
}

shm::JournalState Watch::journal_state() const {
  return journal_state_;
}

}  // namespace logbus::kill_points
