// SPDX-License-Identifier: MIT
#include "watch.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>

#include "base/unique_fd.h"

namespace logbus::kill_points {

using detail::ConsumerControl;
using detail::Preamble;
using detail::Region;

Watch::Watch(const std::string& directory) {
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    if (entry.is_regular_file()) add(entry.path());
}

void Watch::add(const std::string& path) {
  const base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return;
  const auto size = static_cast<std::size_t>(status.st_size);
  void* const at = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) return;
  auto* const begin = static_cast<std::byte*>(at);
  const auto& preamble = *reinterpret_cast<const Preamble*>(begin);
  const std::size_t journal = preamble.journal.offset;
  files_.push_back({begin, size, reinterpret_cast<const shm::JournalHeader*>(begin + journal)});
  const auto add = [&](std::size_t offset, std::size_t bytes) {
    parts_.push_back({begin + offset, std::vector<std::byte>(begin + offset, begin + offset + bytes)});
  };
  const auto table = [&](const Region& region, std::size_t count) {
    add(region.offset, count * region.stride);
  };
  const std::size_t control = preamble.consumer_control.offset;
  add(control, offsetof(ConsumerControl, heartbeat_ticks));
  add(control + offsetof(ConsumerControl, drained),
      offsetof(ConsumerControl, passes) - offsetof(ConsumerControl, drained));
  table(preamble.consumer_lines, preamble.lanes);
  add(journal, offsetof(shm::JournalHeader, tables));
  add(journal + shm::kJournalHeaderBytes, preamble.lanes * sizeof(shm::JournalLane));
  add(preamble.shared_control.offset, sizeof(detail::SharedControl) + sizeof(detail::Word64));
  table(preamble.slots_region, preamble.slots);
  table(preamble.producer_lines, preamble.lanes);
  table(preamble.step_table, preamble.lanes);
}

Watch::~Watch() {
  for (const File& file : files_) ::munmap(file.begin, file.size);
}

bool Watch::changed() {
  bool changed = false;
  for (Part& part : parts_) {
    if (std::memcmp(part.now, part.then.data(), part.then.size()) == 0) continue;
    std::memcpy(part.then.data(), part.now, part.then.size());
    changed = true;
  }
  if (!changed) return false;
  journal_state_ = shm::JournalState::kEmpty;
  for (const File& file : files_)
    if (const std::uint32_t state = file.journal->state.load(); state != 0)
      journal_state_ = static_cast<shm::JournalState>(state);
  return true;
}

shm::JournalState Watch::journal_state() const {
  return journal_state_;
}

}  // namespace logbus::kill_points
