// SPDX-License-Identifier: MIT
// The keys of a whole record's map and of a names frame: Python's attribute names, and a few of our own.
#pragma once

#include <cstddef>
#include <string_view>

namespace logbus::wire {

inline constexpr std::size_t kSiteElements = 8;

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
