// SPDX-License-Identifier: MIT
// Every struct and constant that lies in shared memory; FORMAT.md has the same as tables.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

// All words are little endian; the layout is for machines of one byte order and 64-bit atomics.
static_assert(std::atomic<std::uint64_t>::is_always_lock_free &&
              std::atomic<std::uint32_t>::is_always_lock_free);
static_assert(sizeof(std::atomic<std::uint64_t>) == 8 && sizeof(std::atomic<std::uint8_t>) == 1);

using Word64 = std::atomic<std::uint64_t>;
using Word32 = std::atomic<std::uint32_t>;

inline constexpr std::uint8_t kLayoutVersion = 3;
inline constexpr std::array<std::uint8_t, 8> kMagic = {'l', 'o', 'g', 'b', 'u', 's', 0, kLayoutVersion};

/// Severities are counted in five classes: up to DEBUG, INFO, WARNING, ERROR, above.
inline constexpr std::size_t kSeverities = 5;
constexpr std::size_t severity_of(int levelno) noexcept {
  return levelno < 20 ? 0 : levelno < 30 ? 1 : levelno < 40 ? 2 : levelno < 50 ? 3 : 4;
}
/// From this class on a record may use the eighth of the memory that is kept back.
inline constexpr std::size_t kReserveSeverity = 2;

enum class DropReason : std::uint8_t {
  kLaneFull = 0,
  kMemory = 1,
  kOversize = 2,
  kNested = 3,
  kDetached = 4
};
inline constexpr std::size_t kDropReasons = 5;

// --- Frames -----------------------------------------------------------------------------------------------

/// In front of every frame in a lane. A frame starts at a multiple of 8 and is a multiple of 8 long.
struct FrameHeader {
  std::uint32_t size;   // whole frame: header, payload, padding
  std::uint32_t tag;    // FrameTag
  std::uint64_t ticks;  // the bus's clock; strictly increasing in a lane
};
static_assert(sizeof(FrameHeader) == 16);
inline constexpr std::uint32_t kFrameAlign = 8;

enum class FrameKind : std::uint8_t {
  kRecord = 0,  // arguments and fields of the site `id`
  kInline = 1,  // a whole record, no site
  kGap = 2,     // GapFrame: records were dropped here
  kNames = 3,   // the thread's or process's new name
  kBlock = 4,   // BlockFrame: a block of a ring begins
  kPad = 5,     // nothing: the rest of a ring's block
};
/// tag = id (24 bits) | kind (4 bits) << 24 | flags (4 bits) << 28
inline constexpr std::uint32_t kTagIdMask = 0xFFFFFF;
inline constexpr std::uint32_t kTagTruncated = 1U << 28;
constexpr std::uint32_t frame_tag(FrameKind kind, std::uint32_t id = 0) noexcept {
  return (static_cast<std::uint32_t>(kind) << 24) | (id & kTagIdMask);
}
constexpr FrameKind frame_kind(std::uint32_t tag) noexcept {
  return static_cast<FrameKind>((tag >> 24) & 0xF);
}
constexpr std::uint32_t frame_id(std::uint32_t tag) noexcept {
  return tag & kTagIdMask;
}

struct GapFrame {
  FrameHeader header;
  std::uint64_t dropped[kSeverities];  // cumulative for the lane
  std::uint64_t first_ticks;
  std::uint64_t last_ticks;
};
static_assert(sizeof(GapFrame) == 72);

struct BlockFrame {
  FrameHeader header;
  std::uint64_t records;  // of the lane before this block, over all tenants
};
static_assert(sizeof(BlockFrame) == 24);

/// No record is longer than this: a message of a mebibyte fits, with all that is around it.
inline constexpr std::uint32_t kMaxRecordBytes = 2U << 20;
/// Nor than half of its lane. Frame header and payload.
constexpr std::uint32_t max_record_bytes(std::uint64_t lane_size) noexcept {
  return lane_size / 2 < kMaxRecordBytes ? static_cast<std::uint32_t>(lane_size / 2) : kMaxRecordBytes;
}

/// A lane that overwrites is written in blocks: no frame crosses one, and each starts with a BlockFrame, so
/// that a reader who has lost everything before it can go on from there and knows how much that was.
constexpr std::uint64_t block_bytes(std::uint64_t lane_size) noexcept {
  return lane_size / 2 < (64 << 10) ? lane_size / 2 : 64 << 10;
}
constexpr std::uint32_t max_ring_record_bytes(std::uint64_t lane_size) noexcept {
  return static_cast<std::uint32_t>(block_bytes(lane_size) - sizeof(BlockFrame) - sizeof(GapFrame));
}
/// A ring has two blocks or more, so that what begins a block never takes all that there was.
inline constexpr std::uint64_t kMinRingBytes = 128 << 10;

// --- Lane words -------------------------------------------------------------------------------------------

/// {state:2, slot:14, tenancy:48}: owner and claim change in one store.
enum class LaneState : std::uint8_t { kFree = 0, kOpen = 1, kClosed = 2 };
struct LaneWord {
  LaneState state;
  std::uint32_t slot;
  std::uint64_t tenancy;
};
inline constexpr std::uint64_t kTenancyMask = (std::uint64_t{1} << 48) - 1;
constexpr std::uint64_t pack(LaneWord w) noexcept {
  return (static_cast<std::uint64_t>(w.state) << 62) | (std::uint64_t{w.slot & 0x3FFF} << 48) |
         (w.tenancy & kTenancyMask);
}
constexpr LaneWord unpack_lane(std::uint64_t word) noexcept {
  return {static_cast<LaneState>(word >> 62), static_cast<std::uint32_t>((word >> 48) & 0x3FFF),
          word & kTenancyMask};
}

/// busy = {phase:2, frame id:30}: 0 idle, 1 writing the payload, 2 about to stamp and commit.
inline constexpr std::uint32_t kBusyPhaseMask = 3;
inline constexpr std::uint32_t kBusyWriting = 1;
inline constexpr std::uint32_t kBusyStamping = 2;

/// Written by the lane's thread alone, but for `word`. On pages of its own kind: the consumer's words lie
/// elsewhere.
struct alignas(64) ProducerLine {
  // Each record.
  Word64 committed;  // position one past the last whole frame
  Word64 origin[2];  // where the last two laps start; the larger is the current one's
  Word64 records;    // records committed, cumulative over all tenants
  Word32 busy;
  std::uint32_t unused0;
  Word64 floor;  // lanes that overwrite: nothing before this position may be read any more
  std::uint8_t pad0[16];
  // Claims and drops.
  Word64 word;                  // LaneWord; CAS by claimers and reclaimers
  Word64 dropped[kSeverities];  // cumulative over all tenants
  std::uint8_t pad1[16];
  // Once a tenancy.
  Word64 gap_first_ticks;  // 0: no gap open
  Word64 gap_last_ticks;
  Word64 records_before;               // `records` when this tenant came
  Word64 dropped_before[kSeverities];  // `dropped` when this tenant came
  Word64 dropped_reason[kDropReasons];
  Word32 thread;        // kernel's tid
  Word32 name_index;    // which of the two names holds
  Word64 closed_ticks;  // when this tenant gave the lane back
  std::uint8_t pad2[8];
  char thread_name[2][64];
};
static_assert(sizeof(ProducerLine) == 384);
static_assert(offsetof(ProducerLine, word) == 64 && offsetof(ProducerLine, gap_first_ticks) == 128);

/// Written by the lease holder alone; workers map it read-only (and wait on the low half of `read`).
struct alignas(64) ConsumerLine {
  Word64 read;                   // everything before it has been handled and flushed
  Word64 reported[kSeverities];  // drops told so far
  Word64 quarantined;            // 1 + the position where the lane stopped making sense; 0: fine
  Word64 passed;                 // lanes that overwrite: records before `read`, given or told as overwritten
};
static_assert(sizeof(ConsumerLine) == 64);

/// State of one step of a lane's memory. HOLE: no memory. GROWING: the writer is getting it. HELD: the writer
/// may touch it. BACKED: has memory, nobody's. PUNCHING: the lease holder is giving it back.
enum class StepState : std::uint8_t { kHole = 0, kGrowing = 1, kHeld = 2, kBacked = 3, kPunching = 4 };
using StepWord = std::atomic<std::uint8_t>;

/// Steps are 8 KiB, 56 KiB, then 64 KiB each: a lane that keeps up lives in 8 KiB, one that lags a little
/// in 64.
inline constexpr std::uint64_t kFirstStepBytes = 8 << 10;
inline constexpr std::uint64_t kStepBytes = 64 << 10;
constexpr std::uint32_t step_of(std::uint64_t offset) noexcept {
  return offset < kFirstStepBytes ? 0 : static_cast<std::uint32_t>(offset / kStepBytes) + 1;
}
constexpr std::uint64_t step_begin(std::uint32_t step) noexcept {
  return step == 0 ? 0 : step == 1 ? kFirstStepBytes : (step - 1) * kStepBytes;
}
constexpr std::uint64_t step_end(std::uint32_t step) noexcept {
  return step == 0 ? kFirstStepBytes : step * kStepBytes;
}
constexpr std::uint32_t steps_for(std::uint64_t lane_size) noexcept {
  return static_cast<std::uint32_t>(lane_size / kStepBytes) + 1;
}

// --- Process slots ----------------------------------------------------------------------------------------

/// word = {state:2, generation:62}
enum class SlotState : std::uint8_t { kFree = 0, kClaiming = 1, kLive = 2 };
constexpr std::uint64_t pack_slot(SlotState state, std::uint64_t generation) noexcept {
  return (static_cast<std::uint64_t>(state) << 62) | (generation & ((std::uint64_t{1} << 62) - 1));
}
constexpr SlotState slot_state(std::uint64_t word) noexcept {
  return static_cast<SlotState>(word >> 62);
}
constexpr std::uint64_t slot_generation(std::uint64_t word) noexcept {
  return word & ((std::uint64_t{1} << 62) - 1);
}

inline constexpr std::uint32_t kSlotWeak =
    1;  // its lock needs an open descriptor: re-let only on proof by pidfd
inline constexpr std::uint32_t kSlotFenced = 2;  // could not register for membarrier: fences itself

/// One worker process. Written by its owner; wiped by whoever holds the slot's kernel lock after it.
struct alignas(64) ProcessSlot {
  Word64 word;
  Word32 pid;
  Word32 uid;
  Word64 start_time;     // clock ticks since boot, as /proc/PID/stat has it
  Word64 pid_namespace;  // inode
  Word32 flags;
  std::uint32_t unused0;
  Word64 attach_ticks;  // the two clocks read together
  Word64 attach_realtime_ns;
  Word64 memory_bytes;                  // lane memory granted to it
  Word64 records_closed;                // records of its lanes that have been given back
  Word64 dropped_closed[kSeverities];   // drops of its lanes that have been given back
  Word64 dropped_no_lane[kSeverities];  // drops of threads that had no lane
  Word64 told_no_lane;                  // of those, told so far; the lease holder's
  std::uint8_t pad[24];
  char process_name[64];
  char executable[256];
};
static_assert(sizeof(ProcessSlot) == 512);

// --- Control ----------------------------------------------------------------------------------------------

inline constexpr std::uint32_t kAttentionSleeping = 1;  // the reader is about to sleep on this word
inline constexpr std::uint32_t kAttentionRetired = 2;   // the segment has been replaced: attach by name
inline constexpr std::uint32_t kAttentionLevels = 4;    // kept for published levels

/// Written by everybody.
struct alignas(64) SharedControl {
  Word32 attention;  // loaded once a record
  std::uint8_t pad0[60];
  std::atomic<std::int64_t> budget_left;  // a hint; the truth is the sum of all steps that are not HOLE
  Word64 arena_top;                       // sites: bytes of the arena given out
  Word64 sites_used;
  std::uint8_t pad1[40];
};
static_assert(sizeof(SharedControl) == 128);
inline constexpr std::size_t kBlockedBitmapOffset = 128;  // one bit a lane: its writer waits for room

/// kOverwrite: of a bus with kFeatureOverwrite; its writers neither wait nor drop.
enum class Policy : std::uint32_t { kDrop = 0, kBlock = 1, kOverwrite = 2 };

/// logbus::DropReason's names, and room for more.
inline constexpr std::size_t kHandlerDropReasons = 8;
inline constexpr std::size_t kErrorWords = 15;

/// One handler of the sidecar, for those who look from outside.
struct alignas(64) HandlerEntry {
  char name[64];
  char class_name[64];
  Word64 records, bytes, errors, retries;
  Word64 dropped[kHandlerDropReasons];  // by logbus::DropReason
  Word64 queue_length;                  // records that wait in its queue, or for a later try
  Word64 queue_capacity;                // of an asynchronous handler, else 0
  Word64 queue_bytes, queue_memory;     // the same in bytes; no bound: all ones
  Word64 error_version;                 // odd while the three below are written
  Word64 error_time_ns;                 // of the wall clock; 0: no error yet
  Word64 error_size;                    // bytes of the text
  Word64 error_text[kErrorWords];       // the last error's, as the handler put it
  std::uint8_t pad[48];
};
static_assert(sizeof(HandlerEntry) == 448 && offsetof(HandlerEntry, dropped) == 160);
inline constexpr std::size_t kMaxHandlers = 64;

/// Written by the lease holder alone (the creator fills in the settings first).
struct alignas(64) ConsumerControl {
  // Lease.
  Word64 epoch;  // +1 with each holder
  Word32 holder_pid;
  Word32 holder_state;  // 0: never attached, 1: running, 2: released
  Word64 holder_start_time;
  Word64 attached_realtime_ns;
  Word64 handover_request;  // kept for takeover
  std::uint8_t pad0[24];
  // Settings that hold for all workers.
  Word32 policy;  // Policy
  Word32 unused1;
  Word64 block_timeout_ns;
  Word64 memory_bytes;
  Word64 max_per_process_bytes;
  Word64 max_hold_ns;
  Word64 levels_generation;  // kept for published levels
  Word64 newest_ticks;       // of all records before the read positions: an older one comes late
  std::uint8_t pad1[8];
  // Heartbeat: the clocks read together, for those who come later.
  Word64 heartbeat_ticks;
  Word64 heartbeat_realtime_ns;
  Word64 heartbeat_monotonic_ns;
  // Counters.
  Word64 drained;
  Word64 late;
  Word64 truncated;
  Word64 invalid_utf8;
  Word64 format_errors;
  Word64 clock_anomalies;
  Word64 quarantined_lanes;
  Word64 dropped_reported;
  Word64 passes;
  Word64 handler_count;
  Word64 overwritten;  // records that were overwritten before they were read, told so far
  std::uint8_t pad2[16];
  char config_path[256];
  HandlerEntry handlers[kMaxHandlers];
};
static_assert(sizeof(ConsumerControl) % 64 == 0 && offsetof(ConsumerControl, handlers) == 512);
static_assert(offsetof(ConsumerControl, newest_ticks) == 112 &&
              offsetof(ConsumerControl, heartbeat_ticks) == 128);

// --- Preamble ---------------------------------------------------------------------------------------------

enum class ClockSource : std::uint32_t { kMonotonicNs = 1, kTsc = 2 };

struct Region {  // a table of the file
  std::uint64_t offset;
  std::uint64_t size;    // bytes
  std::uint64_t stride;  // bytes an entry, 0: not a table
};

/// Bits of Preamble::features. Who does not know one that is set must not touch the bus.
inline constexpr std::uint64_t kFeatureOverwrite =
    1;  // all lanes are rings that overwrite their oldest records

/// Written once, before the file has a name.
struct Preamble {
  std::array<std::uint8_t, 8> magic;
  std::uint64_t features;  // kFeature...
  std::uint64_t file_size;
  std::uint8_t bus_uuid[16];
  char boot_id[40];  // text of /proc/sys/kernel/random/boot_id
  std::uint32_t lanes;
  std::uint32_t slots;
  std::uint32_t sites;
  std::uint32_t steps_per_lane;
  std::uint64_t lane_size;
  ClockSource clock_source;
  std::uint32_t unused0;
  std::uint64_t created_ticks;  // the three clocks read together
  std::uint64_t created_realtime_ns;
  std::uint64_t created_monotonic_ns;
  std::uint64_t ticks_per_second_guess;  // good enough until a later reading is there
  // Read-only for workers.
  Region consumer_control, consumer_lines, journal, journal_payload;
  // Read-write for workers.
  Region shared_control, slots_region, producer_lines, step_table, site_table, site_arena;
  Region data;
};
static_assert(sizeof(Preamble) == 408);

/// Parts of the file start on multiples of this, so that they separate on any page size.
inline constexpr std::uint64_t kRegionAlign = 64 << 10;

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
