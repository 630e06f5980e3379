// SPDX-License-Identifier: MIT
#include "scene.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <new>
#include <stdexcept>

#include "shm/segment.h"
#include "support/shm_bus.h"

namespace logbus::kill_points {

Scene::Scene(const Operation& operation) : operation_(operation) {
  void* memory = ::mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::runtime_error("no memory for the board");
  stage_.board = new (memory) Board{};
  shm::BusOptions& options = stage_.options;
  options.bus = "test";
  options.lanes = 8;
  options.lane_size = 64 << 10;
  options.sites = 64;
  options.memory = 1 << 20;
  // Who waits for a dead writer's next record waits longer than anybody looks.
  options.max_hold = std::chrono::hours(1);
  if (operation.options != nullptr) operation.options(options);
}

Scene::~Scene() {
  ::munmap(stage_.board, sizeof(Board));
}

void Scene::make_bus() const {
  static_cast<void>(shm::Segment::open(stage_.options, shm::Segment::Role::kWorker));
  if (operation_.alone) return;
  stage_.configure();
  const std::string text = text_of(30);
  for (int i = 0; i < 3; ++i) stage_.log(kEarlier, text);
}

void Scene::set(const std::string& directory) {
  stage_.directory = stage_.options.directory = directory;
  std::memset(static_cast<void*>(stage_.board), 0, sizeof(Board));
  if (!operation_.no_bus) stage_.in_process([this] { make_bus(); });
  if (operation_.prepare != nullptr) stage_.in_process([this] { operation_.prepare(stage_); });
}

void Scene::with_victim(const Operation& operation, const std::function<void(Stepper&)>& f) {
  const pid_t companion =
      operation.companion == nullptr ? 0 : stage_.start([&] { operation.companion(stage_); });
  with_victim_alone(operation, f);
  stage_.board->stop = 1;
  if (companion != 0) stage_.finish(companion);
  // Children of the dead are ours now.
  while (::waitpid(-1, nullptr, __WALL) > 0 || errno == EINTR) {
  }
}

void Scene::with_victim_alone(const Operation& operation, const std::function<void(Stepper&)>& f) {
  const Stepper::Hooks hooks = {
      .body =
          [&] {
            operation.set_up(stage_);
            if (!operation.follow_child) start_mark();
            operation.run(stage_);
            end_mark();
            if (operation.afterwards != nullptr) operation.afterwards(stage_);
          },
      .paused = [&](int n) { stage_.in_process([&] { operation.paused(stage_, n); }); },
      .follow_child = operation.follow_child,
  };
  Stepper stepper(hooks);
  if (!stepper.run_to_start()) throw std::runtime_error("the set-up fails");
  f(stepper);
}

Trace Scene::record() {
  Trace trace;
  const testing::TempDir directory;
  set(directory.path());
  with_victim(operation_, [&](Stepper& stepper) { stepper.record(trace); });
  return trace;
}

}  // namespace logbus::kill_points
