// SPDX-License-Identifier: MIT
// What one kill happens on: a bus in a directory of its own, helper processes, and a board that outlives them
// all.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "shm/options.h"

namespace logbus::kill_points {

class OneThread;

/// Who logs: the process that is killed, one that has ended before, one that comes afterwards, and the killed
/// one's parent or child, a signal's handler.
enum Writer : std::size_t { kVictim, kEarlier, kWitness, kRelative, kHandler, kWriters };
inline constexpr std::size_t kMostRecords = 512;  // of each

/// Shared by all processes; zero at the start of each kill.
struct Board {
  std::atomic<std::uint32_t> issued[kWriters];             // calls begun
  std::atomic<std::uint32_t> returned[kWriters];           // calls that have come back
  std::atomic<std::uint8_t> seen[kWriters][kMostRecords];  // deliveries of each record
  std::atomic<std::uint64_t> told;                         // dropped, as the reader has said
  std::atomic<std::uint32_t> go, ready, stop;  // the companion shall begin; it is ready; it shall end
  std::atomic<std::uint32_t> rests;            // who got a signal has come to rest
  std::atomic<std::uint32_t> in_flight;        // dump has shown the record as torn
  /// What the bus says itself at the end: records drained, late, truncated, told as dropped, overwritten.
  std::array<std::atomic<std::uint64_t>, 5> counters;
  char failure[4000];  // of the helper that has failed
};

struct Stage {
  std::string directory;
  shm::BusOptions options;
  Board* board = nullptr;
  /// Which has read its configuration, for the processes that become one.
  std::shared_ptr<OneThread> sidecar;
  std::shared_ptr<OneThread> next;  // with another configuration, if there is one

  /// Runs it in a process of its own. Throws what it throws.
  void in_process(const std::function<void()>& work) const;
  /// The same, and does not wait for it.
  pid_t start(const std::function<void()>& work) const;
  void finish(pid_t pid) const;

  /// Attaches the calling process by the public interface.
  void configure() const;
  /// One record of `who`, by the call site of set-ups or by that of operations; text_of() makes its text.
  void log(Writer who, const std::string& text, const char* logger = "kill") const;
  void log_operation(Writer who, const std::string& text) const;
  /// The bus is called "old" now, and there is a new one; workers are told.
  void replace_bus() const;
  /// Reads all that is committed, and moves the read positions.
  void drain(const std::string& bus = "test") const;
};

std::string text_of(std::size_t bytes);

/// Where the sites of operations can be told by.
inline constexpr const char* kOperationFormat = "operation {} {} {}";

/// The texts of a record that has been delivered: notes it on the board. Throws if it is not whole.
void note(Board& board, const std::string& logger, const std::string& message);

}  // namespace logbus::kill_points
