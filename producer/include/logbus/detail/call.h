// SPDX-License-Identifier: MIT
// A logging call behind its level test: prepare, write in place, commit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>

#include <logbus/detail/abi.h>
#include <logbus/detail/format_string.h>
#include <logbus/detail/hot_thread.h>
#include <logbus/detail/lane_writer.h>
#include <logbus/detail/parts.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace detail {

/// Never 0, which is an empty place in the table of sites.
LOGBUS_ALWAYS_INLINE std::uint64_t site_key(const LoggerGate& logger, std::uint64_t hash_of_call) noexcept {
  return (hash_of_call ^ logger.hash) | 1;
}
LOGBUS_ALWAYS_INLINE std::uint64_t site_key(const LoggerGate& logger, int levelno,
                                            const CallSite& site) noexcept {
  return site_key(logger, site.hash ^ hash_of_level(levelno));
}

/// Asks for a cache line that another processor, the reader's, had last.
LOGBUS_ALWAYS_INLINE void prefetch_for_write(const char* at) noexcept {
#if defined(__x86_64__)
  // __builtin_prefetch(at, 1) needs -mprfchw to be more than a read. Where the processor knows no prefetchw,
  // it is a nop.
  asm volatile("prefetchw %0" : : "m"(*at));
#else
  __builtin_prefetch(at, 1);
#endif
}

/// The whole of a record in the usual case; false if anything is unusual, and then nothing has been written.
template <class Parts>
LOGBUS_ALWAYS_INLINE bool write_now(std::uint64_t key, int levelno, const Parts& parts, const Extras& extras,
                                    std::uint32_t payload) noexcept {
  LaneWriter* const writer = hot_thread.writer;
  if (writer == nullptr) [[unlikely]]
    return false;
  // First: until it is left, no signal handler takes this thread to another bus, with other ids.
  if (!writer->enter()) [[unlikely]]
    return false;
  const std::uint32_t id = hot_thread.site_id(key);
  const std::uint32_t size = LaneWriter::frame_bytes(payload);
  if (id == 0 || !writer->has_room(size, severity_of(levelno))) [[unlikely]] {
    writer->leave();
    return false;
  }
  char* const to = reinterpret_cast<char*>(writer->begin(size, frame_tag(FrameKind::kRecord, id)));
  write_payload(to, parts, extras, thread_scratch);
  // The lines of the next frame come while this one is stamped. Where there is no memory yet, nothing is
  // fetched.
  prefetch_for_write(to + size + 64);
  prefetch_for_write(to + size + 128);
  if (writer->commit()) [[unlikely]]
    attend();
  return true;
}

/// Cold: the library finds a lane, an id, room; or the record goes through the logger tree.
template <class Parts>
[[gnu::noinline, gnu::cold]] void write_slowly(const LoggerGate& logger, int levelno, const CallSite& site,
                                               Parts& parts, const Extras& extras) noexcept {
  std::uint32_t payload = payload_size(parts, extras);
  bool truncated = false;
  // The limit is the lane's: asked for only where a record could reach that of the smallest lane.
  if (payload > kSmallestRecordLimit && payload > max_payload()) {
    truncated = true;
    shrink(parts, extras, max_payload(), thread_scratch);
    payload = payload_size(parts, extras);
  }
  Frame frame = open_frame(logger, levelno, site, payload);
  if (frame.outcome == Outcome::kReady) {
    if (truncated) frame.tag |= kTagTruncated;
    char* const to =
        reinterpret_cast<char*>(frame.writer->begin(LaneWriter::frame_bytes(payload), frame.tag));
    write_payload(to, parts, extras, thread_scratch);
    close_frame(frame);
  } else if (frame.outcome == Outcome::kRecord) {
    const std::uint32_t mark = thread_scratch.size();
    // The parts may lie in the same buffer, which this may move: they are read only after it.
    if (char* to = thread_scratch.reserve(payload)) {
      write_payload(to, parts, extras, thread_scratch);
      log_record(logger, levelno, site, thread_scratch.at(mark), payload, truncated);
      thread_scratch.rewind(mark);
    } else {
      lose_record(levelno);
    }
  }
}

template <class Parts>
[[gnu::noinline]] void write_parts(const LoggerGate& logger, int levelno, const CallSite& site, Parts& parts,
                                   const FieldBytes* bound) noexcept {
  const Extras extras = extras_for(parts, bound);
  const std::uint32_t payload = payload_size(parts, extras);
  const bool direct = (logger.gate.load(std::memory_order_relaxed) & 1) != 0 && site.hash != 0;
  if (direct && payload <= kSmallestRecordLimit &&
      write_now(site_key(logger, levelno, site), levelno, parts, extras, payload))
    return;
  write_slowly(logger, levelno, site, parts, extras);
}

/// One instantiation for all calls with these argument types.
template <class... A>
[[gnu::noinline]] void log_shared(const LoggerGate& logger, int levelno, const CallSite& site,
                                  const FieldBytes* bound, const A&... arguments) noexcept {
  const std::uint32_t mark = thread_scratch.size();
  auto parts = prepare_parts(std::index_sequence_for<A...>{}, site, thread_scratch, arguments...);
  write_parts(logger, levelno, site, parts, bound);
  if (thread_scratch.size() != mark) thread_scratch.rewind(mark);
}

/// Where a literal stands; two words: with them, the constants of a call are passed in registers.
struct LiteralText {
  const char* format;
  std::uint32_t size;
  int line;
};

/// Scalars by value: they stay in registers.
template <class T>
using Passed = std::conditional_t<std::is_scalar_v<T>, T, const T&>;

/// A call with a literal and texts among its arguments. Most programs have many of them, so what is in line
/// is only the passing of constants. `hash` is that of the site and the level.
template <class... A>
[[gnu::noinline]] void log_literal(const LoggerGate& logger, std::uint64_t hash, LiteralText text,
                                   const char* file, const char* function, int levelno,
                                   Passed<A>... arguments) noexcept {
  const CallSite site{
      text.format, file, function, hash ^ hash_of_level(levelno), text.size, text.line, MessageStyle::kBrace};
  constexpr bool plain = (is_plain_argument_v<A> && ...);
  const std::uint32_t mark = plain ? 0 : thread_scratch.size();
  auto parts = prepare_parts(std::index_sequence_for<A...>{}, site, thread_scratch, arguments...);
  const Extras none;
  const std::uint32_t payload = payload_size(parts, none);
  const bool direct = (logger.gate.load(std::memory_order_relaxed) & 1) != 0;
  if (!direct || hot_thread.context != nullptr || payload > kSmallestRecordLimit ||
      !write_now(site_key(logger, hash), levelno, parts, none, payload)) [[unlikely]] {
    const CallSite stored = site;
    auto stored_parts = parts;
    write_parts(logger, levelno, stored, stored_parts, nullptr);
  }
  if (!plain && thread_scratch.size() != mark) thread_scratch.rewind(mark);
}

/// The call is enabled. Only lists of fixed size are written in line: that is a few stores. `site` and
/// the parts are copied where their address is needed, so that they stay in registers for the call in line.
template <class... A>
LOGBUS_ALWAYS_INLINE void log_enabled(const LoggerGate& logger, int levelno, bool direct,
                                      const CallSite& site, const A&... arguments) noexcept {
  if constexpr ((is_fixed_argument_v<A> && ...)) {
    const auto parts = prepare_parts(std::index_sequence_for<A...>{}, site, thread_scratch, arguments...);
    const Extras none;
    if (direct && hot_thread.context == nullptr && site.hash != 0) [[likely]] {
      if (write_now(site_key(logger, levelno, site), levelno, parts, none, payload_size(parts, none)))
          [[likely]]
        return;
    }
    const CallSite stored = site;
    auto stored_parts = parts;
    write_parts(logger, levelno, stored, stored_parts, nullptr);
  } else if (site.hash != 0) {
    log_literal<A...>(logger, site.hash ^ hash_of_level(levelno), {site.format, site.format_size, site.line},
                      site.file, site.function, levelno, arguments...);
  } else {
    const CallSite stored = site;
    log_shared(logger, levelno, stored, nullptr, arguments...);
  }
}

}  // namespace detail
}  // namespace abi1
}  // namespace logbus
