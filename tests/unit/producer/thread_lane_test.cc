// SPDX-License-Identifier: MIT
// Calls over calls of the same thread, as a signal's handler makes them.
#include "producer/thread_lane.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "test_bus.h"

namespace logbus {
namespace {

using testing::TestBus;

std::uint64_t lost_without_lane(const shm::Segment& segment) {
  std::uint64_t lost = 0;
  for (std::uint32_t i = 0; i < segment.slots(); ++i)
    for (const auto& count : segment.slot(i).dropped_no_lane) lost += count.load();
  return lost;
}

TEST(ThreadLaneTest, ACallOverAWriterThatIsEnteredIsCounted) {
  TestBus bus;
  Logger& logger = get_logger("over");
  logger.info("first {}", 1);
  producer::ThreadState& state = *producer::thread_state();
  ASSERT_TRUE(producer::enter_lane(state));
  logger.info("over {}", 2);
  state.owner.writer.leave();
  logger.info("next {}", 3);
  EXPECT_EQ(bus.messages(), (std::vector<std::string>{"first 1", "next 3"}));
  const shm::Segment segment = bus.open();
  EXPECT_EQ(segment.producer_line(0).dropped[1].load(), 1U);
  EXPECT_EQ(lost_without_lane(segment), 0U);
}

TEST(ThreadLaneTest, ACallWhileTheLaneIsChangedIsCounted) {
  TestBus bus;
  Logger& logger = get_logger("over");
  logger.info("first {}", 1);
  producer::ThreadState& state = *producer::thread_state();
  state.changing = true;
  state.owner.writer.nested = 1;  // as while it is closed
  logger.info("over {}", 2);
  state.owner.writer.nested = 0;
  state.changing = false;
  EXPECT_EQ(lost_without_lane(bus.open()), 0U);  // the next call that looks for its lane counts it
  producer::give_up_lane(state);
  EXPECT_EQ(lost_without_lane(bus.open()), 1U);
  logger.info("next {}", 3);
  EXPECT_EQ(bus.messages(), (std::vector<std::string>{"first 1", "next 3"}));
}

TEST(ThreadLaneTest, ACallOverAThreadThatIsEnteredWithoutALaneIsCounted) {
  TestBus bus;
  Logger& logger = get_logger("over");
  logger.info("first {}", 1);
  producer::ThreadState& state = *producer::thread_state();
  producer::give_up_lane(state);
  EXPECT_FALSE(producer::enter_lane(state));
  ASSERT_TRUE(state.owner.writer.enter());
  logger.info("over {}", 2);
  state.owner.writer.leave();
  logger.info("next {}", 3);
  EXPECT_EQ(bus.messages(), (std::vector<std::string>{"first 1", "next 3"}));
  EXPECT_EQ(lost_without_lane(bus.open()), 1U);
}

}  // namespace
}  // namespace logbus
