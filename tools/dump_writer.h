// SPDX-License-Identifier: MIT
// The two forms in which dump writes what it finds.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "shm/snapshot.h"
#include "tools/dump.h"
#include "tools/lane_records.h"

namespace logbus::tools {

/// A frame that its writer began and did not commit. `site`: null if it has none or it can't be read.
struct InFlight {
  const ReadLane& lane;
  const wire::Site* site;
};

/// Each call appends whole lines to `out`.
class DumpWriter {
 public:
  virtual ~DumpWriter() = default;
  virtual void bus(const shm::Snapshot& snapshot, std::string& out) const = 0;
  virtual void process(const shm::Snapshot& snapshot, std::uint32_t slot, std::string& out) const = 0;
  virtual void site(std::uint32_t id, const wire::Site& site, std::string& out) const = 0;
  virtual void lane(const shm::Snapshot& snapshot, const ReadLane& lane, std::string& out) const = 0;
  virtual void entry(const Entry& entry, std::string& out) const = 0;
  virtual void in_flight(const InFlight& record, std::string& out) const = 0;
};

std::unique_ptr<DumpWriter> make_text_writer(bool utc, bool color);
std::unique_ptr<DumpWriter> make_json_writer();

}  // namespace logbus::tools
