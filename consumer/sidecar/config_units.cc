// SPDX-License-Identifier: MIT
// Names, sizes and durations as they are written in the file and on the command line.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "sidecar/config_units.h"

namespace logbus::sidecar {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array kDurations{Unit{"ns", 1},  Unit{"us", 1e3},   Unit{"ms", 1e6},
                                Unit{"s", 1e9}, Unit{"min", 60e9}, Unit{"h", 3600e9}};
constexpr std::array kSizes{Unit{"", 1},         Unit{"B", 1},        Unit{"kB", 1e3},
                            Unit{"KB", 1e3},     Unit{"MB", 1e6},     Unit{"GB", 1e9},
                            Unit{"KiB", 0x1p10}, Unit{"MiB", 0x1p20}, Unit{"GiB", 0x1p30}};

// The largest value that both results can hold, and that a double holds exactly enough.
constexpr double kMost = 0x1p62;

// "<number> [spaces] <unit>"; negative if it is anything else.
template <std::size_t N>
double parse(std::string_view text, const std::array<Unit, N>& units) {
  double number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc() || !std::isfinite(number)) return -1;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  while (!text.empty() && text[0] == ' ') text.remove_prefix(1);
  const auto unit = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == text; });
  if (unit == units.end()) return -1;
  const double value = number * unit->factor;
  return value >= 0 && value <= kMost ? value : -1;
}

}  // namespace

bool is_bus_name(std::string_view name) noexcept {
  constexpr std::size_t kLongest = 64;
  return !name.empty() && name.size() <= kLongest && name != "." && name != ".." &&
         name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-") ==
             std::string_view::npos;
}

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const double value = parse(text, kDurations);
  if (value < 0) return std::nullopt;
  return std::chrono::nanoseconds(std::llround(value));
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const double value = parse(text, kSizes);
  if (value < 0 || value != std::floor(value)) return std::nullopt;
  return static_cast<std::uint64_t>(value);
}

}  // namespace logbus::sidecar
