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
/// Of a segment that others than our own user may write, a journal that names other files than `log_files`,
/// or those that bear their names with a dot and something behind, is somebody's trick: those are left alone.
Recovery recover_journal(const shm::Segment& segment, const std::vector<std::string>& log_files);

}  // namespace logbus::consumer
