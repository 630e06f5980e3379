// SPDX-License-Identifier: MIT
// The buses of a directory.
#include "tools/list.h"

#include <algorithm>
#include <exception>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>

#include <logbus/error.h>
#include "base/process_identity.h"
#include "shm/snapshot.h"
#include "tools/bus_text.h"
#include "tools/escape.h"
#include "tools/json_text.h"

namespace logbus::tools {
namespace {

std::string_view state_name(BusState state) {
  switch (state) {
    case BusState::kLive:
      return "live";
    case BusState::kIdle:
      return "idle";
    case BusState::kStale:
      return "stale";
    case BusState::kDamaged:
      break;
  }
  return "damaged";
}

ListedBus look_at(const std::string& directory, const std::string& name) {
  ListedBus bus;
  bus.name = name;
  try {
    shm::BusOptions options;
    options.directory = directory;
    options.bus = name;
    const shm::Snapshot snapshot = shm::Snapshot::of_bus(options);
    bus.resident_bytes = snapshot.resident_bytes();
    bus.sidecar = snapshot.lease_life() == shm::Life::kLive;
    for (std::uint32_t i = 0; i < snapshot.slots(); ++i) {
      const std::uint64_t word = snapshot.slot(i).word.load(std::memory_order_relaxed);
      if (detail::slot_state(word) != detail::SlotState::kFree && snapshot.slot_life(i) == shm::Life::kLive)
        ++bus.workers_live;
    }
    bus.state = bus.sidecar || bus.workers_live != 0             ? BusState::kLive
                : snapshot.preamble().boot_id != base::boot_id() ? BusState::kStale
                                                                 : BusState::kIdle;
  } catch (const std::exception& e) {
    bus.problem = e.what();
  }
  return bus;
}

}  // namespace

std::vector<ListedBus> list_buses(const std::string& directory) {
  std::error_code error;
  std::vector<ListedBus> buses;
  std::filesystem::directory_iterator files(directory, error);
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
    const std::filesystem::path& path = files->path();
    if (path.extension() == ".logbus") buses.push_back(look_at(directory, path.stem().string()));
  }
  if (error) throw Error(error.value(), "can't read directory " + directory);
  std::sort(buses.begin(), buses.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return buses;
}

std::string list_text(const std::vector<ListedBus>& buses, bool names_only) {
  std::string out;
  std::size_t width = std::string_view("BUS").size();
  for (const ListedBus& bus : buses) width = std::max(width, escaped(bus.name).size());
  if (!names_only && !buses.empty())
    out += fmt::format("{:<{}}  STATE    SIDECAR  WORKERS      SIZE\n", "BUS", width);
  for (const ListedBus& bus : buses) {
    if (names_only)
      out += escaped(bus.name);
    else if (bus.state == BusState::kDamaged)
      out += fmt::format("{:<{}}  damaged  {}", escaped(bus.name), width, escaped(bus.problem));
    else
      out +=
          fmt::format("{:<{}}  {:<7}  {:<7}  {:>7}  {:>8}", escaped(bus.name), width, state_name(bus.state),
                      bus.sidecar ? "yes" : "no", bus.workers_live, binary_size(bus.resident_bytes));
    out += '\n';
  }
  return out;
}

std::string list_json(const std::vector<ListedBus>& buses) {
  std::string out;
  for (const ListedBus& bus : buses) {
    Json json = {{"bus", bus.name}, {"state", state_name(bus.state)}};
    if (bus.state == BusState::kDamaged) {
      json["problem"] = bus.problem;
    } else {
      json["sidecar"] = bus.sidecar;
      json["workers_live"] = bus.workers_live;
      json["resident_bytes"] = bus.resident_bytes;
    }
    out += json_line(json) + "\n";
  }
  return out;
}

}  // namespace logbus::tools
