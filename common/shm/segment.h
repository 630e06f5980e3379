// SPDX-License-Identifier: MIT
// The bus's file: made whole, attached by name, mapped.
#pragma once

#include <boost/interprocess/mapped_region.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <logbus/detail/layout.h>
#include "base/uninherited_fd.h"
#include "base/unique_fd.h"
#include "shm/journal_layout.h"
#include "shm/options.h"
#include "shm/sigbus_guard.h"

namespace logbus::shm {

using detail::ConsumerControl;
using detail::ConsumerLine;
using detail::Preamble;
using detail::ProcessSlot;
using detail::ProducerLine;
using detail::SharedControl;
using detail::StepWord;
using detail::Word64;

/// Kernel locks on the segment file that prove life: one byte for the lease, one a slot, beyond any data.
inline constexpr std::int64_t kSlotLockBase = std::int64_t{1} << 62;
inline constexpr std::int64_t kLeaseLock = kSlotLockBase - 1;
/// Of the sidecar that waits for the lease: as long as it is held, `handover_request` is meant.
inline constexpr std::int64_t kTakeoverLock = kSlotLockBase - 2;

/// Where the tables of a segment with these sizes lie. A segment whose preamble says otherwise is refused.
Preamble compute_layout(std::uint32_t lanes, std::uint64_t lane_size, std::uint32_t sites);

/// Whether a preamble read from a file of `file_size` bytes is a segment this program can read. Throws Error
/// naming `path` and what is wrong: not a segment, another layout version, truncated, damaged.
void check_preamble(const Preamble& preamble, std::uint64_t file_size, const std::string& path);

/// A mapped segment. Offsets become pointers here and nowhere else; indexes are the caller's to bound.
/// Not for a forked child: the mappings are not inherited (MADV_DONTFORK), so it must not destroy this
/// either.
class Segment {
 public:
  enum class Role {
    kWorker,   // the consumer's tables read-only, no lane data
    kSidecar,  // all tables read-write, all lane data read-only
  };

  /// Attaches to the bus by name, creating it if it is not there; a segment of an earlier boot is moved
  /// aside. Never waits for anybody. Throws Error naming the path.
  static Segment open(const BusOptions& options, Role role);
  /// Attaches; throws Error(ENOENT) if there is none. `options` give name and directory only.
  static Segment open_existing(const BusOptions& options, Role role);
  /// Attaches to a segment that has lost the bus's name, of this boot or an earlier one. `options` say whom
  /// to trust. Throws Error naming the path.
  static Segment open_file(const std::string& path, const BusOptions& options, Role role);

  const Preamble& preamble() const noexcept { return preamble_; }
  const std::string& path() const noexcept { return path_; }
  std::uint32_t lanes() const noexcept { return preamble_.lanes; }
  std::uint32_t slots() const noexcept { return preamble_.slots; }
  std::uint64_t lane_size() const noexcept { return preamble_.lane_size; }
  std::uint32_t steps() const noexcept { return preamble_.steps_per_lane; }
  /// All lanes are rings that overwrite their oldest records.
  bool overwrites() const noexcept { return (preamble().features & detail::kFeatureOverwrite) != 0; }
  /// The longest frame that a lane takes.
  std::uint32_t max_frame() const noexcept {
    return overwrites() ? detail::max_ring_record_bytes(lane_size()) : detail::max_record_bytes(lane_size());
  }

  /// Read-only in a worker: writing is a fault there.
  ConsumerControl& consumer() const noexcept {
    return consumer_at<ConsumerControl>(preamble_.consumer_control.offset);
  }
  ConsumerLine& consumer_line(std::uint32_t lane) const noexcept {
    return (&consumer_at<ConsumerLine>(preamble_.consumer_lines.offset))[lane];
  }
  /// The redo journal and its payload. Sidecar only.
  JournalHeader& journal() const noexcept { return consumer_at<JournalHeader>(preamble_.journal.offset); }
  std::span<JournalLane> journal_lanes() const noexcept {
    return {&consumer_at<JournalLane>(preamble_.journal.offset + kJournalHeaderBytes), lanes()};
  }
  std::span<char> journal_payload() const noexcept {
    return {&consumer_at<char>(preamble_.journal_payload.offset), preamble_.journal_payload.size};
  }
  SharedControl& shared() const noexcept { return shared_at<SharedControl>(preamble_.shared_control.offset); }
  /// One bit a lane, 64 to a word.
  std::span<Word64> blocked_bitmap() const noexcept {
    return {&shared_at<Word64>(preamble_.shared_control.offset + detail::kBlockedBitmapOffset),
            (lanes() + 63) / 64};
  }
  ProcessSlot& slot(std::uint32_t index) const noexcept {
    return (&shared_at<ProcessSlot>(preamble_.slots_region.offset))[index];
  }
  ProducerLine& producer_line(std::uint32_t lane) const noexcept {
    return (&shared_at<ProducerLine>(preamble_.producer_lines.offset))[lane];
  }
  StepWord* step_table(std::uint32_t lane) const noexcept {
    return &shared_at<StepWord>(preamble_.step_table.offset + lane * preamble_.step_table.stride);
  }
  /// The same, eight steps a word, the first in the lowest byte; what lies behind the last step is zero.
  std::span<const Word64> step_words(std::uint32_t lane) const noexcept {
    return {&shared_at<Word64>(preamble_.step_table.offset + lane * preamble_.step_table.stride),
            (steps() + 7) / 8};
  }
  Word64* site_table() const noexcept { return &shared_at<Word64>(preamble_.site_table.offset); }
  std::byte* site_arena() const noexcept { return &shared_at<std::byte>(preamble_.site_arena.offset); }
  /// Sidecar only.
  const std::byte* lane_data(std::uint32_t lane) const noexcept {
    return static_cast<const std::byte*>(data_.get_address()) + lane * preamble_.lane_size;
  }
  std::uint64_t lane_file_offset(std::uint32_t lane) const noexcept {
    return preamble_.data.offset + lane * preamble_.lane_size;
  }

  /// Gets memory for [at, at + size) of a writable mapping of this file before it is touched: on a full file
  /// system the touch itself would be SIGBUS. False: no room.
  bool back(void* at, std::uint64_t size) const noexcept;
  /// Gives back the memory of the whole pages in there.
  void give_back(void* at, std::uint64_t size) const noexcept;

  /// A new descriptor (own open file description) of this very file; invalid if its name leads elsewhere by
  /// now, or there are no descriptors left: is_current() tells.
  base::UniqueFd reopen() const noexcept;
  /// Whether path() still leads to this file. Needs no descriptor.
  bool is_current() const noexcept;
  /// It has been renamed. By nobody who shares this object with another thread.
  void set_path(std::string path) { path_ = std::move(path); }
  /// Nobody can be alive on a segment of an earlier boot, and its stamps are of a clock that started again.
  bool of_this_boot() const noexcept { return of_this_boot_; }
  /// Sets RETIRED: workers attach by name. Others than workers too may do so, at any time.
  void retire() const noexcept {
    shared().attention.fetch_or(detail::kAttentionRetired, std::memory_order_seq_cst);
  }
  /// Somebody has made the file shorter, and this process has noticed by touching what is gone. It is RETIRED
  /// then.
  bool is_damaged() const noexcept { return guard_.hit(); }
  bool is_retired() const noexcept {
    return (shared().attention.load(std::memory_order_relaxed) & detail::kAttentionRetired) != 0;
  }

 private:
  Segment() = default;
  static Segment map(const std::string& path, const base::UniqueFd& fd, const Preamble& preamble, Role role);
  template <class T>
  T& consumer_at(std::uint64_t offset) const noexcept {
    return *reinterpret_cast<T*>(static_cast<std::byte*>(consumer_side_.get_address()) + offset);
  }
  template <class T>
  T& shared_at(std::uint64_t offset) const noexcept {
    return *reinterpret_cast<T*>(static_cast<std::byte*>(shared_side_.get_address()) +
                                 (offset - preamble_.shared_control.offset));
  }

  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool of_this_boot_ = true;
  Preamble preamble_ = {};                            // our copy, checked once
  boost::interprocess::mapped_region consumer_side_;  // preamble, consumer's tables
  boost::interprocess::mapped_region shared_side_;    // tables that everybody writes, arena
  boost::interprocess::mapped_region data_;           // sidecar only
  SigbusGuard guard_;                                 // of the three
};

/// Maps [offset, offset + size) of `fd`, kept out of forked children and core dumps. Throws Error naming
/// `what`.
boost::interprocess::mapped_region map_file(int fd, boost::interprocess::mode_t mode, std::uint64_t offset,
                                            std::uint64_t size, const std::string& what);

/// The kernel's proof that this process lives: a lock on one byte that lasts as long as a mapping does.
class LifeLock {
 public:
  /// Takes the lock on `byte` through a descriptor of its own. `held()` is false if somebody else has it.
  static LifeLock try_take(const Segment& segment, std::int64_t byte);
  LifeLock() = default;
  bool held() const noexcept { return page_.get_size() != 0; }
  /// The mapping alone does not keep the lock on this file system: a descriptor does.
  bool weak() const noexcept { return static_cast<bool>(descriptor_); }
  void release() noexcept;

 private:
  boost::interprocess::mapped_region page_;
  base::UninheritedFd descriptor_;
};

}  // namespace logbus::shm
