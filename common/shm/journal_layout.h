// SPDX-License-Identifier: MIT
// The redo journal in the consumer's pages (FORMAT.md, "The journal"): what a batch is about to do to files.
#pragma once

#include <cstddef>
#include <cstdint>

#include <logbus/detail/layout.h>

namespace logbus::shm {

using detail::Word32;
using detail::Word64;

enum class JournalState : std::uint32_t {
  kEmpty = 0,
  kSealed = 1,    // ops[] are to be in their files, then lanes[] in the consumer lines
  kRotating = 2,  // the renames of the plan are to be done, then its deletions
};

/// A file as the kernel knows it, whatever its name. Time 0: the file system does not know when it was made.
struct FileId {
  std::uint64_t device;
  std::uint64_t inode;
  std::int64_t born_ns;
  bool operator==(const FileId&) const = default;
};
static_assert(sizeof(FileId) == 24);

/// Bytes of the payload that belong into one file, from `offset` of it on.
struct JournalOp {
  FileId file_id;
  std::uint64_t offset;  // the file's size when the batch was sealed
  std::uint64_t begin;   // in the payload
  std::uint64_t bytes;
  std::uint32_t file;  // index in the file table that holds
  std::uint32_t unused;
};
static_assert(sizeof(JournalOp) == 56);

/// What is told of the drops without a lane of the process that has this slot, once the ops are done.
struct JournalSlot {
  std::uint64_t index;
  std::uint64_t word;  // the slot's: another process has another one
  std::uint64_t told;
};
static_assert(sizeof(JournalSlot) == 24);
/// No batch tells of more.
inline constexpr std::uint32_t kJournalSlots = 120;

/// What a lane's consumer line says once the ops are done. There is room for every lane, behind the header.
struct JournalLane {
  std::uint64_t tenant;  // {lane:16, tenancy:48}
  std::uint64_t read;
  std::uint64_t reported[detail::kSeverities];
  std::uint64_t passed;
};
static_assert(sizeof(JournalLane) == 64);
constexpr std::uint64_t pack_tenant(std::uint32_t lane, std::uint64_t tenancy) noexcept {
  return (std::uint64_t{lane} << 48) | (tenancy & detail::kTenancyMask);
}

inline constexpr std::uint32_t kJournalOps = 128;
inline constexpr std::uint32_t kJournalFiles = kJournalOps;
inline constexpr std::size_t kJournalNameBytes = 26 << 10;

/// The files in use. There are two tables: one holds while the other is written.
struct JournalFileTable {
  struct Entry {
    std::uint32_t name;   // where its path begins in names[]
    std::uint32_t bytes;  // of the path
  };
  std::uint32_t count;
  std::uint32_t unused;
  Entry entries[kJournalFiles];
  char names[kJournalNameBytes];
};
static_assert(sizeof(JournalFileTable) == 27656);

inline constexpr std::uint32_t kBeforeRenames = ~std::uint32_t{0};
/// A rotation: its texts lie in the payload from kRotationBegin on, each behind its length (u32): from, to
/// for each rename, then the files to delete.
struct JournalRotation {
  std::uint32_t renames;
  std::uint32_t deletions;
  std::uint64_t bytes;  // of the texts
  FileId source;        // what the name to be renamed in this step led to; inode 0: nothing
  Word32 step;          // the rename at hand; `renames`: the deletions; kBeforeRenames
  std::uint32_t unused;
};
static_assert(sizeof(JournalRotation) == 48);

/// Written by the lease holder alone.
struct alignas(64) JournalHeader {
  Word32 state;  // JournalState; a release store publishes all below
  Word32 table;  // which of the file tables holds
  Word64 sequence;
  std::uint32_t ops;
  std::uint32_t lanes;
  std::uint64_t drained;  // records, all in all, once the ops are done
  JournalRotation rotation;
  std::uint64_t late, newest_ticks, overwritten, dropped_reported;  // as in ConsumerControl
  std::uint32_t slots;                                              // how many
  std::uint8_t pad[12];
  JournalOp op[kJournalOps];
  JournalFileTable tables[2];
  JournalSlot slot[kJournalSlots];
  std::uint64_t truncated, invalid_utf8;  // as `late`
};
/// Behind it, from here on: JournalLane of each lane that has been read.
inline constexpr std::uint64_t kJournalHeaderBytes = 64 << 10;
static_assert(sizeof(JournalHeader) <= kJournalHeaderBytes);
static_assert(offsetof(JournalHeader, rotation) == 32 && offsetof(JournalHeader, late) == 80 &&
              offsetof(JournalHeader, slots) == 112 && offsetof(JournalHeader, op) == 128 &&
              offsetof(JournalHeader, slot) == 62608 && offsetof(JournalHeader, truncated) == 65488);

/// The payload: formatted lines, each handler its share; then the texts of a rotation. Both have memory from
/// the start; what is behind them has none but for a batch that needs it.
inline constexpr std::uint64_t kPayloadLines = (1 << 20) - (64 << 10);
inline constexpr std::uint64_t kRotationBegin = kPayloadLines;
inline constexpr std::uint64_t kPayloadAllocated = 1 << 20;

}  // namespace logbus::shm
