// SPDX-License-Identifier: MIT
// What a logging call reads of its thread: the lane's writer, the sites' ids, the context's fields.
#pragma once

#include <atomic>
#include <cstdint>

#include <logbus/detail/abi.h>
#include <logbus/detail/encode_scratch.h>
#include <logbus/detail/lane_writer.h>

#define LOGBUS_ALWAYS_INLINE [[gnu::always_inline]] inline

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

/// A slot of the process's table of sites (open addressing, linear probing). The key is stored last, so that
/// who finds it finds the id too. id 0: known, but the bus had no room for the site.
struct SiteEntry {
  std::atomic<std::uint64_t> key;
  std::atomic<std::uint32_t> id;
};

/// Fields as they go on the wire: `count` pairs of key and value; pair i ends at ends[i].
struct FieldBytes {
  const char* data;
  const std::uint32_t* ends;
  std::uint32_t size;
  std::uint32_t count;
};

/// Written by its thread alone. `writer` is null until the first record; in a forked child it leads to a page
/// that the kernel has wiped, where no record has room. The table belongs to the segment that the lane lies
/// in.
struct HotThread {
  LaneWriter* writer;
  const SiteEntry* sites;
  std::uint64_t site_mask;
  const FieldBytes* context;  // of the innermost ScopedContext

  /// The first place only: most sites are there, the others take the longer way.
  std::uint32_t site_id(std::uint64_t key) const noexcept {
    const SiteEntry& entry = sites[key & site_mask];
    // Acquire: pairs with the release of the key; the id is there.
    return entry.key.load(std::memory_order_acquire) == key ? entry.id.load(std::memory_order_relaxed) : 0;
  }
};

// Initial-exec: no call to find them. Trivially destructible: usable until the thread's last instruction.
extern constinit thread_local HotThread hot_thread __attribute__((tls_model("initial-exec")));
extern constinit thread_local Scratch thread_scratch __attribute__((tls_model("initial-exec")));

/// That of the smallest lane, less the header of a frame: no limit is lower.
inline constexpr std::uint32_t kSmallestRecordLimit = max_record_bytes(64U << 10) - sizeof(FrameHeader);

/// What a call reads of its logger.
struct LoggerGate {
  /// threshold * 2 + direct: one compare decides, and the low bit says that the bus is the only place to go.
  std::atomic<std::int64_t> gate;
  std::uint64_t hash;  // of the name
};

enum class Outcome : std::uint8_t {
  kReady,   // begin() the frame
  kRecord,  // make a LogRecord of it: handlers or filters of this process, or no bus
  kDone,    // lost, and counted
};
struct Frame {
  LaneWriter* writer;  // entered, with room
  std::uint32_t tag;
  Outcome outcome;
};

struct CallSite;
/// The way of a record that has no lane yet, no id for its site, no room, or more to pass than the bus.
Frame open_frame(const LoggerGate& logger, int levelno, const CallSite& site, std::uint32_t payload) noexcept;
/// After the payload of a frame of open_frame() has been written.
void close_frame(const Frame& frame) noexcept;
/// commit() said so: wakes the reader, or leaves a retired bus.
void attend() noexcept;
/// The longest payload that fits the thread's lane, or any lane before it has one.
std::uint32_t max_payload() noexcept;
/// Counts a record for which there was no memory.
void lose_record(int levelno) noexcept;
/// Passes the record on through the logger tree.
void log_record(const LoggerGate& logger, int levelno, const CallSite& site, const char* payload,
                std::uint32_t size, bool truncated) noexcept;

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
