// SPDX-License-Identifier: MIT
// In place of common/shm/segment.h: the same tables at fixed addresses in the machine's memory, no file
// behind them.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include <logbus/detail/layout.h>
#include "base/unique_fd.h"
#include "shm/options.h"

namespace logbus::shm {

using detail::ConsumerControl;
using detail::ConsumerLine;
using detail::Preamble;
using detail::ProcessSlot;
using detail::ProducerLine;
using detail::SharedControl;
using detail::StepWord;
using detail::Word64;

inline constexpr std::int64_t kSlotLockBase = std::int64_t{1} << 62;
inline constexpr std::int64_t kLeaseLock = kSlotLockBase - 1;
inline constexpr std::int64_t kTakeoverLock = kSlotLockBase - 2;

inline constexpr std::uint32_t kModelLanes = 2;
inline constexpr std::uint32_t kModelSteps = 4;
/// What of a lane has memory here; a lane says that it is longer.
inline constexpr std::size_t kModelLaneBytes = 256;

/// Words that threads share and the machine keeps.
struct ModelMemory {
  SharedControl shared;
  Word64 blocked[1];
  ConsumerLine consumer_lines[kModelLanes];
  ProducerLine producer_lines[kModelLanes];
  alignas(8) StepWord steps[kModelLanes][kModelSteps];
  alignas(64) std::byte data[kModelLanes][kModelLaneBytes];
};
/// What no step of the protocol hangs on.
struct ModelTables {
  Preamble preamble;
  ConsumerControl consumer;
  ProcessSlot slots[kModelLanes];
};
inline ModelMemory model_memory;
inline ModelTables model_tables;
/// Where a lane's bytes are, and what happens when a writer gets memory for them.
inline std::byte* model_lane_data[kModelLanes];
inline void (*model_back)(void* at, std::uint64_t size) = nullptr;

/// A word of eight steps. The machine's accesses have one size a place: it is read step by step, which shows
/// all that one load can show, and more.
struct ModelStepWords {
  const StepWord* steps;
  std::uint32_t count;
  std::uint32_t size() const noexcept { return 1; }
  const ModelStepWords& operator[](std::uint32_t) const noexcept { return *this; }
  std::uint64_t load(std::memory_order order) const noexcept {
    std::uint64_t word = 0;
    for (std::uint32_t i = 0; i < count; ++i) word |= std::uint64_t{steps[i].load(order)} << (8 * i);
    return word;
  }
};

class Segment {
 public:
  const Preamble& preamble() const noexcept { return model_tables.preamble; }
  std::string path() const { return "the model's memory"; }
  std::uint32_t lanes() const noexcept { return kModelLanes; }
  std::uint32_t slots() const noexcept { return kModelLanes; }
  std::uint64_t lane_size() const noexcept { return model_tables.preamble.lane_size; }
  std::uint32_t steps() const noexcept { return model_tables.preamble.steps_per_lane; }
  /// All lanes are rings that overwrite their oldest records.
  bool overwrites() const noexcept { return (preamble().features & detail::kFeatureOverwrite) != 0; }
  /// The longest frame that a lane takes.
  std::uint32_t max_frame() const noexcept {
    return overwrites() ? detail::max_ring_record_bytes(lane_size()) : detail::max_record_bytes(lane_size());
  }
  ConsumerControl& consumer() const noexcept { return model_tables.consumer; }
  ConsumerLine& consumer_line(std::uint32_t lane) const noexcept { return model_memory.consumer_lines[lane]; }
  SharedControl& shared() const noexcept { return model_memory.shared; }
  std::span<Word64> blocked_bitmap() const noexcept { return model_memory.blocked; }
  ProcessSlot& slot(std::uint32_t index) const noexcept { return model_tables.slots[index]; }
  ProducerLine& producer_line(std::uint32_t lane) const noexcept { return model_memory.producer_lines[lane]; }
  StepWord* step_table(std::uint32_t lane) const noexcept { return model_memory.steps[lane]; }
  ModelStepWords step_words(std::uint32_t lane) const noexcept { return {model_memory.steps[lane], steps()}; }
  const std::byte* lane_data(std::uint32_t lane) const noexcept { return model_lane_data[lane]; }
  std::uint64_t lane_file_offset(std::uint32_t lane) const noexcept { return lane * lane_size(); }
  bool back(void* at, std::uint64_t size) const noexcept {
    model_back(at, size);
    return true;
  }
  base::UniqueFd reopen() const noexcept { return base::UniqueFd(::memfd_create("model", MFD_CLOEXEC)); }
  bool is_current() const noexcept { return true; }
  bool is_damaged() const noexcept { return false; }
  bool of_this_boot() const noexcept { return true; }
  bool is_retired() const noexcept {
    return (shared().attention.load(std::memory_order_relaxed) & detail::kAttentionRetired) != 0;
  }
};

struct SigbusGuard {
  static void guard_lane(void*, std::uint64_t, detail::Word32*) noexcept {}
};

class LifeLock {
 public:
  static LifeLock try_take(const Segment&, std::int64_t) { return {}; }
  bool held() const noexcept { return true; }
  bool weak() const noexcept { return false; }
};

}  // namespace logbus::shm
