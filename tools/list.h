// SPDX-License-Identifier: MIT
// `logbus ls`: the buses of a directory.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace logbus::tools {

enum class BusState {
  kLive,     // a worker or a sidecar is attached
  kIdle,     // nobody is
  kStale,    // of an earlier boot: nobody can be
  kDamaged,  // not a segment that this program reads
};

struct ListedBus {
  std::string name;
  BusState state = BusState::kDamaged;
  bool sidecar = false;
  std::uint64_t workers_live = 0;
  std::uint64_t resident_bytes = 0;
  std::string problem;  // of a damaged one
};

/// By name. Throws Error naming the directory.
std::vector<ListedBus> list_buses(const std::string& directory);

std::string list_text(const std::vector<ListedBus>& buses, bool names_only);
/// An object a line.
std::string list_json(const std::vector<ListedBus>& buses);

}  // namespace logbus::tools
