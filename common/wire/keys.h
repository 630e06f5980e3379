// SPDX-License-Identifier: MIT
// The keys of a whole record's map and of a names frame: Python's attribute names, and a few of our own. And
// where fields begin.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

#include <logbus/detail/encode_bytes.h>

namespace logbus::wire {

inline constexpr std::size_t kSiteElements = 8;

// A map header, a key of at least one letter in its long form, a value. Fewer bytes than this after the
// arguments are the padding of a frame, which may hold anything.
inline constexpr std::size_t kSmallestFields = 1 + detail::kStrHeaderSize + 1 + 1;

/// Whether fields stand behind the arguments that end at `offset`.
inline bool fields_follow(std::span<const std::byte> payload, std::size_t offset) noexcept {
  if (payload.size() - offset < kSmallestFields) return false;
  const auto tag = std::to_integer<unsigned>(payload[offset]);
  return (tag & 0xf0U) == 0x80 || tag == 0xde || tag == 0xdf;
}

namespace key {
inline constexpr std::string_view kName = "name";
inline constexpr std::string_view kMsg = "msg";
inline constexpr std::string_view kArgs = "args";
inline constexpr std::string_view kLevelno = "levelno";
inline constexpr std::string_view kLevelname = "levelname";
inline constexpr std::string_view kPathname = "pathname";
inline constexpr std::string_view kLineno = "lineno";
inline constexpr std::string_view kFuncName = "funcName";
inline constexpr std::string_view kExcText = "exc_text";
inline constexpr std::string_view kStackInfo = "stack_info";
inline constexpr std::string_view kThread = "thread";
inline constexpr std::string_view kThreadName = "threadName";
inline constexpr std::string_view kProcess = "process";
inline constexpr std::string_view kProcessName = "processName";
// Ours. Fields have a map of their own under kExtra, so that a field may have any of these names.
inline constexpr std::string_view kStyle = "style";
inline constexpr std::string_view kCreatedNs = "created_ns";
inline constexpr std::string_view kStartNs = "start_ns";
inline constexpr std::string_view kExtra = "extra";
inline constexpr std::string_view kOverrides = "overrides";
}  // namespace key

}  // namespace logbus::wire
