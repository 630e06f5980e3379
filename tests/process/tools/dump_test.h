// SPDX-License-Identifier: MIT
// A bus to be dumped, and what two threads of its worker have logged.
#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tools_bus.h"

namespace logbus::testing {

using Messages = std::vector<std::string>;

class DumpTest : public ::testing::Test {
 protected:
  std::string path() const { return shm::bus_path(options_); }
  shm::Snapshot snapshot() const { return shm::Snapshot::of_bus(options_); }
  shm::Segment sidecar() const { return shm::Segment::open_existing(options_, shm::Segment::Role::kSidecar); }

  TempDir directory_;
  shm::BusOptions options_ = small_bus(directory_);
};

/// Two threads that take turns.
inline void two_threads(const shm::BusOptions& options) {
  static auto attachment = shm::Attachment::attach(options, "web-2");
  TestWriter rx(*attachment, 4719, "rx-1");
  TestWriter tx(*attachment, 4720, "tx-1");
  for (int i = 0; i < 3; ++i) {
    rx.log("orders.api", 20, "charge {}", "rx" + std::to_string(i));
    tx.log("orders.db", 30, "query {}", "tx" + std::to_string(i));
  }
}

inline const Messages kTurns = {"charge rx0", "query tx0",  "charge rx1",
                                "query tx1",  "charge rx2", "query tx2"};

}  // namespace logbus::testing
