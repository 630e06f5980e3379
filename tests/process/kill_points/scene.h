// SPDX-License-Identifier: MIT
// Where one kill happens: a bus that is made anew for it, and the process that is killed.
#pragma once

#include <functional>
#include <string>

#include "operation.h"
#include "stage.h"
#include "stepper.h"

namespace logbus::kill_points {

class Scene {
 public:
  explicit Scene(const Operation& operation);
  Scene(const Scene&) = delete;
  Scene& operator=(const Scene&) = delete;

 protected:
  ~Scene();

  /// Makes the bus there, and what comes before the operation.
  void set(const std::string& directory);
  /// A process that stands where `operation` begins, with the companion that it has, is given to `f`;
  /// afterwards it is dead.
  void with_victim(const Operation& operation, const std::function<void(Stepper&)>& f);
  /// The instructions of the operation, as they go when nothing happens to it.
  Trace record();

  const Operation& operation_;
  Stage stage_;

 private:
  void make_bus() const;
  void with_victim_alone(const Operation& operation, const std::function<void(Stepper&)>& f);
};

}  // namespace logbus::kill_points
