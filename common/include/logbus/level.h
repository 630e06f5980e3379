// SPDX-License-Identifier: MIT
// Python's levels and their names.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <logbus/detail/abi.h>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {

/// Severity, Python's numbers. Any int is a level: `Level{25}` is fine.
enum class Level : int { kNotSet = 0, kDebug = 10, kInfo = 20, kWarning = 30, kError = 40, kCritical = 50 };

/// Associates `name` with `level`, both ways, for this process. Thread-safe. Source: logging.addLevelName.
void add_level_name(Level level, std::string_view name);

/// The level's name, or "Level N". Thread-safe. Source: logging.getLevelName of a number.
std::string get_level_name(Level level);

/// The level of an exact, case-sensitive name (WARN and FATAL included); nothing if unknown.
/// Source: logging._checkLevel.
std::optional<Level> level_from_name(std::string_view name);

}  // namespace abi1
}  // namespace logbus
