// SPDX-License-Identifier: MIT
// The process's table of level names.
#include <logbus/level.h>

#include <map>
#include <mutex>
#include <shared_mutex>

namespace logbus {
inline namespace abi1 LOGBUS_ABI {
namespace {

struct LevelNames {
  std::shared_mutex mutex;
  std::map<int, std::string> by_number = {{50, "CRITICAL"}, {40, "ERROR"}, {30, "WARNING"},
                                          {20, "INFO"},     {10, "DEBUG"}, {0, "NOTSET"}};
  std::map<std::string, int, std::less<>> by_name = {{"CRITICAL", 50}, {"FATAL", 50},   {"ERROR", 40},
                                                     {"WARN", 30},     {"WARNING", 30}, {"INFO", 20},
                                                     {"DEBUG", 10},    {"NOTSET", 0}};
};

// Never destroyed: records are logged from static destructors too.
LevelNames& level_names() {
  static auto* names = new LevelNames;
  return *names;
}

}  // namespace

void add_level_name(Level level, std::string_view name) {
  LevelNames& names = level_names();
  const std::unique_lock guard(names.mutex);
  names.by_number[static_cast<int>(level)] = name;
  names.by_name.insert_or_assign(std::string(name), static_cast<int>(level));
}

std::string get_level_name(Level level) {
  LevelNames& names = level_names();
  const std::shared_lock guard(names.mutex);
  const auto found = names.by_number.find(static_cast<int>(level));
  if (found != names.by_number.end()) return found->second;
  return "Level " + std::to_string(static_cast<int>(level));
}

std::optional<Level> level_from_name(std::string_view name) {
  LevelNames& names = level_names();
  const std::shared_lock guard(names.mutex);
  const auto found = names.by_name.find(name);
  if (found == names.by_name.end()) return std::nullopt;
  return Level{found->second};
}

}  // namespace abi1
}  // namespace logbus
