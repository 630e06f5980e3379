// SPDX-License-Identifier: MIT
// Stream handlers whose records are written together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace logbus::record {

/// How files get other names: renames in this order, each if its source is there, then deletions.
struct RotationPlan {
  struct Rename {
    std::string from;
    std::string to;
    bool clears = false;  // what is at `to` is removed even if there is nothing to rename
  };
  std::vector<Rename> renames;
  std::vector<std::string> deletions;
};

/// A handler that belongs to a group does not write by itself: whenever it would, it asks the group to, which
/// writes all of them. One thread.
class WriteGroup {
 public:
  WriteGroup() = default;
  virtual ~WriteGroup() = default;
  WriteGroup(const WriteGroup&) = delete;
  WriteGroup& operator=(const WriteGroup&) = delete;

  /// Writes what all handlers of the group hold of records before the one at hand. Called by a handler with
  /// its own lock held. Tells and counts failures, as the handlers do.
  virtual void write() noexcept = 0;

  /// Around a rotation: the plan; before each rename, its number; behind the last, `renames.size()`. All that
  /// the group held has been written. Between begin and end nothing is written. begin_rotation() may throw.
  virtual void begin_rotation(const RotationPlan& plan) = 0;
  virtual void rotation_step(std::size_t step) noexcept = 0;
  virtual void end_rotation() noexcept = 0;

  /// The number of the record at hand.
  std::uint64_t record() const noexcept { return record_; }
  /// Rises each time that it is asked: the order in which handlers begin to hold records.
  std::uint64_t next_turn() noexcept { return ++turn_; }

 protected:
  std::uint64_t record_ = 1;

 private:
  std::uint64_t turn_ = 0;
};

}  // namespace logbus::record
