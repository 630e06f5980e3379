// SPDX-License-Identifier: MIT
// What the journal of a killed sidecar says is done to its end (FORMAT.md, "The journal").
#pragma once

#include <string>
#include <vector>

#include <logbus/error.h>

#include "shm/segment.h"

namespace logbus::consumer {

struct Recovery {
  std::vector<std::string> notes;     // what was done
  std::vector<std::string> warnings;  // what could not be done as it should
  /// In use at the end of the sidecar before, which was none that it had come to by itself: what is in them
  /// is not to be thrown away.
  std::vector<std::string> files;
};

/// A full disk is in the way: nothing is lost, and it is to be tried again.
class NoRoomToRecover : public Error {
 public:
  using Error::Error;
};

/// Gets memory for the journal: creation has not. False: there is none now.
bool back_journal(const shm::Segment& segment) noexcept;

/// Holding the lease, before the read positions are looked at and before a file is opened. It needs neither a
/// configuration nor the lanes. Nothing that it reads is trusted. May be killed anywhere, and called again.
/// Throws NoRoomToRecover.
/// A journal that others than our own user may have written gets lines appended to `log_files` only, and
/// these renamed only: nothing is removed or replaced for it.
Recovery recover_journal(const shm::Segment& segment, const std::vector<std::string>& log_files);

}  // namespace logbus::consumer
