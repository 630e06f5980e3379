// SPDX-License-Identifier: MIT
// What is killed: something that a worker or a sidecar does, from a state of the bus that is made for it.
#pragma once

#include <span>
#include <string>

#include "shm/journal_layout.h"
#include "stage.h"

namespace logbus::kill_points {

/// What a signal's handler may do in the middle of an operation: log, if there is a bus; attach to another
/// one, if malloc() can be called there.
enum class Handler { kNothing, kLog, kAttach };

struct Operation {
  const char* name;
  /// In the process to be killed: what comes before, and the operation.
  void (*set_up)(const Stage&);
  void (*run)(const Stage&);
  /// In processes of their own: before the victim comes; while it stands at a pause_mark(); alive all the
  /// time.
  void (*prepare)(const Stage&) = nullptr;
  void (*paused)(const Stage&, int pause) = nullptr;
  void (*companion)(const Stage&) = nullptr;
  /// set_up() forks, and the child is what is looked at: from its fork to its end mark.
  bool follow_child = false;
  /// Records may be dropped; they are counted.
  bool drops = false;
  /// The bus that had the name before.
  const char* old_bus = nullptr;
  Handler handler = Handler::kAttach;
  /// Nobody has logged before.
  bool alone = false;
  /// Not even a bus at first.
  bool no_bus = false;
  void (*options)(shm::BusOptions&) = nullptr;
  /// A sidecar's operation: what it is done with, and what finishes it after the kill.
  std::string (*configuration)(const Stage&) = nullptr;
  std::string (*next_configuration)(const Stage&) = nullptr;  // of the latter, if they have another one
  void (*sidecar_options)(shm::BusOptions&) = nullptr;
  /// Of what it goes over to, if it does so.
  void (*next_options)(shm::BusOptions&) = nullptr;
  /// The files are on a disk that is full at times.
  bool small_disk = false;
  /// What waits for room is not asked whether it begins a file: rotated files are looked at as one.
  bool joined = false;
  /// Somebody else, once it has been killed.
  void (*others)(const Stage&) = nullptr;
  /// Longer than a sample has time to step through: a sidecar is killed before and behind system calls, a
  /// worker gets no signal.
  bool is_long = false;
  /// Millions of steps: even if all are wanted.
  bool is_longest = false;
  /// In a process that is not killed, but gets a signal: behind the operation.
  void (*afterwards)(const Stage&) = nullptr;
  /// It is done by the one that comes after a sidecar that was killed in that one, while its journal was so.
  const Operation* first = nullptr;
  shm::JournalState left = shm::JournalState::kEmpty;
};

std::span<const Operation> worker_operations();
std::span<const Operation> sidecar_operations();
/// In which something happens to a sidecar.
std::span<const Operation> sidecar_event_operations();

}  // namespace logbus::kill_points
