// SPDX-License-Identifier: MIT
// What dump, stat and ls say of a bus in the same words.
#include "tools/bus_text.h"

#include <array>
#include <span>

#include <fmt/format.h>

namespace logbus::tools {
namespace {

std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::string scaled(std::uint64_t bytes, double base, std::span<const std::string_view> units) {
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  // 1023.96 would print as "1024.0".
  while (value >= base - 0.05 && unit + 1 < units.size()) {
    value /= base;
    ++unit;
  }
  const bool whole = unit == 0 || value == static_cast<double>(static_cast<std::uint64_t>(value));
  return fmt::format("{:.{}f} {}", value, whole ? 0 : 1, units[unit]);
}

}  // namespace

std::string bus_name(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  constexpr std::string_view kSuffix = ".logbus";
  if (name.size() > kSuffix.size() && name.ends_with(kSuffix)) name.resize(name.size() - kSuffix.size());
  return name;
}

std::string short_uuid(const shm::Preamble& preamble) {
  return hex({preamble.bus_uuid, 4});
}

std::string long_uuid(const shm::Preamble& preamble) {
  const std::string digits = hex(preamble.bus_uuid);
  return fmt::format("{}-{}-{}-{}-{}", digits.substr(0, 8), digits.substr(8, 4), digits.substr(12, 4),
                     digits.substr(16, 4), digits.substr(20));
}

std::string_view clock_name(detail::ClockSource source) {
  return source == detail::ClockSource::kTsc ? "tsc" : "monotonic";
}

std::string_view life_name(shm::Life life) {
  switch (life) {
    case shm::Life::kLive:
      return "live";
    case shm::Life::kDead:
      return "dead";
    case shm::Life::kUnknown:
      break;
  }
  return "unknown";
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string binary_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "KiB", "MiB", "GiB", "TiB"};
  return scaled(bytes, 1024, kUnits);
}

std::string decimal_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  return scaled(bytes, 1000, kUnits);
}

}  // namespace logbus::tools
