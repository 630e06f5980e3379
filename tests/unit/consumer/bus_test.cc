// SPDX-License-Identifier: MIT
// The segments of a bus at the start of a sidecar.
#include "bus.h"

#include <cstring>
#include <filesystem>
#include <string>

#include <gtest/gtest.h>

#include "support/shm_bus.h"

namespace logbus::consumer {
namespace {

// What it has yet to write needs room. Were the newer segment drained meanwhile, a thread's records would
// come before those that it has logged earlier.
TEST(BusTest, BeginsWithNothingBeforeAnOlderSegmentIsRecovered) {
  const testing::TempDir directory;
  const shm::BusOptions options = testing::small_bus(directory);
  const std::string lines = "line\n", file = "/dev/full";
  const std::string path = directory.path() + "/test.01234567.retired";
  {
    const shm::Segment segment = shm::Segment::open(options, shm::Segment::Role::kSidecar);
    ASSERT_TRUE(back_journal(segment));
    ASSERT_TRUE(segment.back(segment.journal_payload().data(), shm::kPayloadAllocated));
    shm::JournalHeader& journal = segment.journal();
    std::memcpy(journal.tables[0].names, file.data(), file.size());
    journal.tables[0].entries[0] = {0, static_cast<std::uint32_t>(file.size())};
    journal.tables[0].count = 1;
    std::memcpy(segment.journal_payload().data(), lines.data(), lines.size());
    journal.op[0] = {{}, 0, 0, lines.size(), 0, 0};
    journal.ops = 1;
    journal.state.store(static_cast<std::uint32_t>(shm::JournalState::kSealed));
    std::filesystem::rename(segment.path(), path);
  }
  EXPECT_THROW(Bus({options, {}, {}}), NoRoomToRecover);
  EXPECT_THROW(Bus({options, {}, {}}), NoRoomToRecover);
  shm::Segment::open_file(path, options, shm::Segment::Role::kSidecar)
      .journal()
      .state.store(static_cast<std::uint32_t>(shm::JournalState::kEmpty));
  EXPECT_EQ(Bus({options, {}, {}}).retired(), 1U);
}

}  // namespace
}  // namespace logbus::consumer
