// SPDX-License-Identifier: MIT
// A bus of its own for a test, and all that has been logged to it.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <logbus/logger.h>

#include "shm/frame_parser.h"
#include "shm/segment.h"
#include "shm/site_table.h"
#include "support/shm_bus.h"
#include "wire/codec.h"

namespace logbus::testing {

/// A frame in a lane, decoded.
struct Seen {
  LogRecord record;
  wire::Names names;
  detail::FrameKind kind = detail::FrameKind::kRecord;
  std::uint64_t ticks = 0;
  std::uint32_t lane = 0;
  std::uint32_t tag = 0;
};

/// While it lives, the process logs to this bus and nobody drains it.
class TestBus {
 public:
  explicit TestBus(Level level = Level::kDebug) {
    get_logger("").set_propagate(true);
    attached = basic_config({.bus = "unit", .directory = directory_.path(), .level = level, .force = true});
  }
  ~TestBus() { basic_config({.force = true}); }  // back to stderr, which nothing is logged to

  shm::Segment open(const std::string& bus = "unit") const {
    shm::BusOptions options;
    options.bus = bus;
    options.directory = directory_.path();
    return shm::Segment::open_existing(options, shm::Segment::Role::kSidecar);
  }

  /// All frames in the order of their stamps.
  std::vector<Seen> frames(const std::string& bus = "unit") const {
    const shm::Segment segment = open(bus);
    std::vector<Seen> all;
    for (std::uint32_t lane = 0; lane < segment.lanes(); ++lane) {
      LaneTap tap(segment, lane);
      shm::Frame frame;
      shm::Parse parsed = shm::Parse::kEnd;
      while ((parsed = tap.next(frame)) == shm::Parse::kFrame) all.push_back(decode(segment, lane, frame));
      EXPECT_EQ(parsed, shm::Parse::kEnd) << "lane " << lane;
    }
    std::sort(all.begin(), all.end(), [](const Seen& a, const Seen& b) { return a.ticks < b.ticks; });
    return all;
  }

  /// The records alone.
  std::vector<LogRecord> records(const std::string& bus = "unit") const {
    std::vector<LogRecord> all;
    for (Seen& seen : frames(bus)) {
      if (seen.kind == detail::FrameKind::kRecord || seen.kind == detail::FrameKind::kInline)
        all.push_back(std::move(seen.record));
    }
    return all;
  }
  std::vector<std::string> messages(const std::string& bus = "unit") const {
    std::vector<std::string> all;
    for (const LogRecord& record : records(bus)) all.push_back(record.get_message());
    return all;
  }
  /// The only record.
  LogRecord record() const {
    std::vector<LogRecord> all = records();
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? LogRecord() : all.front();
  }

  const std::string& directory() const { return directory_.path(); }
  bool attached = false;

 private:
  static Seen decode(const shm::Segment& segment, std::uint32_t lane, const shm::Frame& frame) {
    Seen seen;
    seen.kind = frame.kind();
    seen.ticks = frame.ticks;
    seen.lane = lane;
    seen.tag = frame.tag;
    const std::span payload(frame.payload, frame.payload_size);
    wire::Decoder decoder;
    wire::DecodeResult result = wire::DecodeResult::kOk;
    if (seen.kind == detail::FrameKind::kRecord) {
      wire::Site site;
      const auto bytes = shm::SiteTable(segment).read(detail::frame_id(frame.tag));
      EXPECT_TRUE(bytes && wire::decode_site(*bytes, site));
      result = decoder.decode_record(site, payload, seen.record);
    } else if (seen.kind == detail::FrameKind::kInline) {
      result = decoder.decode_record(payload, seen.record);
    } else if (seen.kind == detail::FrameKind::kNames) {
      result = decoder.decode_names(payload, seen.names);
    }
    EXPECT_EQ(result, wire::DecodeResult::kOk);
    seen.record.truncated = (frame.tag & detail::kTagTruncated) != 0;
    return seen;
  }

  TempDir directory_;
};

/// The extra field of this name, or none.
inline const Value* field(const LogRecord& record, std::string_view name) {
  for (const auto& [key, value] : record.extra) {
    if (key == name) return &value;
  }
  return nullptr;
}
inline std::vector<std::string> field_names(const LogRecord& record) {
  std::vector<std::string> names;
  for (const auto& [key, value] : record.extra) names.push_back(key);
  return names;
}

}  // namespace logbus::testing
