// SPDX-License-Identifier: MIT
// A rotation, step by step, so that one that is killed half-way can be gone on with.
#pragma once

#include <cstddef>
#include <functional>

#include <logbus/error.h>

#include "record/write_group.h"

namespace logbus::handlers {

/// Borrows the plan and the group (null: none), which is told of each step before it is done.
class RotationSteps {
 public:
  /// All that the group holds must have been written.
  RotationSteps(const record::RotationPlan& plan, record::WriteGroup* group);
  ~RotationSteps();
  RotationSteps(const RotationSteps&) = delete;
  RotationSteps& operator=(const RotationSteps&) = delete;

  /// What is not there is not renamed. Throws Error at the first rename that fails.
  void rename_files();
  /// `failed` is told of each that fails, and may throw.
  void delete_files(const std::function<void(const Error&)>& failed);

 private:
  const record::RotationPlan& plan_;
  record::WriteGroup* group_;
};

/// Whether there is something of that name; where a link leads to, not the link.
bool file_exists(const std::string& path);
/// Throws Error.
void remove_file(const std::string& path);

}  // namespace logbus::handlers
