// SPDX-License-Identifier: MIT
// MemoryHandler and BufferingHandler in a configuration: what is made, and what is said.
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <logbus/memory_handler.h>

#include "config_text.h"

namespace logbus::sidecar::memory_kind_test {
namespace {

Lines said_about(const std::string& handlers) {
  return wrong_with("version: 1\nhandlers:\n  n: {class: logging.NullHandler}\n" + handlers);
}

TEST(MemoryKindTest, MakesAHandlerOfTheSettings) {
  const Configuration configuration = good(R"(
version: 1
handlers:
  a: {class: logging.handlers.MemoryHandler, capacity: 100, target: z}
  b:
    class: logging.handlers.MemoryHandler
    capacity: -1
    target: a
    flushLevel: WARNING
    flushOnClose: false
  z: {class: logging.NullHandler}
)");
  const HandlerSettings& a = handler(configuration, "a");
  EXPECT_EQ(a.targets, std::vector<std::string>{"z"});
  const auto target = std::make_shared<MemoryHandler>(1);
  const auto made = std::dynamic_pointer_cast<MemoryHandler>(a.make({.targets = {target}}));
  ASSERT_NE(made, nullptr);
  EXPECT_EQ(made->capacity(), 100U);
  EXPECT_EQ(made->flush_level(), Level::kError);
  EXPECT_TRUE(made->flush_on_close());
  EXPECT_EQ(made->target(), target);

  const HandlerSettings& b = handler(configuration, "b");
  EXPECT_EQ(b.class_name, "MemoryHandler");
  const auto other = std::dynamic_pointer_cast<MemoryHandler>(b.make({.targets = {target}}));
  ASSERT_NE(other, nullptr);
  EXPECT_EQ(other->capacity(), 0U);
  EXPECT_EQ(other->flush_level(), Level::kWarning);
  EXPECT_FALSE(other->flush_on_close());
}

TEST(MemoryKindTest, SaysWhatIsWrong) {
  const std::string memory = "  m: {class: logging.handlers.MemoryHandler, ";
  EXPECT_EQ(said_about(memory + "target: n}"),
            Lines{"f.yaml:4:3: handlers.m: the key 'capacity' is missing"});
  EXPECT_EQ(said_about(memory + "capacity: many, target: n}"),
            Lines{"f.yaml:4:56: handlers.m.capacity: expected an integer, got a string \"many\""});
  EXPECT_EQ(said_about(memory + "capacity: null, target: n}"),
            Lines{"f.yaml:4:56: handlers.m.capacity: expected an integer, got null"});
  EXPECT_EQ(said_about(memory + "capacity: 1, target: nul}"),
            Lines{"f.yaml:4:67: handlers.m.target: there is no handler named \"nul\""});
  EXPECT_EQ(said_about(memory + "capacity: 1, target: null}"),
            Lines{"f.yaml:4:67: handlers.m.target: expected a handler's name, got null"});
  EXPECT_EQ(said_about(memory + "capacity: 1, target: m}"),
            Lines{"f.yaml:4:3: handlers.m: its records would come back to itself: m -> m"});
  EXPECT_EQ(said_about(memory + "capacity: 1, target: n, flushLevel: WARNIN}"),
            Lines{"f.yaml:4:82: handlers.m.flushLevel: unknown level \"WARNIN\"; did you mean 'WARNING'?"});
}

TEST(MemoryKindTest, WarnsOfRecordsThatAreNeverWritten) {
  EXPECT_EQ(
      said_about("  m: {class: logging.handlers.MemoryHandler, capacity: 1}"),
      Lines{
          "f.yaml:4:3: warning: handlers.m: no target: it keeps all its records in memory and writes none"});
  EXPECT_EQ(said_about("  m: {class: logging.handlers.BufferingHandler, capacity: 1}"),
            Lines{"f.yaml:4:3: warning: handlers.m: it forgets its records and writes none"});
}

}  // namespace
}  // namespace logbus::sidecar::memory_kind_test
