// SPDX-License-Identifier: MIT
// A signal before each instruction of what a worker does, whose handler logs; and the same while the bus is
// replaced.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include <logbus/logger.h>

#include "hunt.h"
#include "oracle.h"
#include "scene.h"
#include "shm/lane_directory.h"
#include "shm/segment.h"
#include "support/shm_bus.h"

namespace logbus::kill_points {
namespace {

using std::chrono::steady_clock;

/// What a handler may use: made before there are any, and there to the process's end.
Board* board = nullptr;
const Logger* logger = nullptr;
const std::string& text = *new std::string(text_of(30));

extern "C" void log_in_handler(int) {
  ::alarm(5);  // it may stand still from here on
  const std::uint32_t n = board->issued[kHandler].fetch_add(1);
  logger->info("handler {} {} {}", static_cast<int>(kHandler), n, text);
  board->returned[kHandler].store(n + 1);
}

/// The records that come next need no handler.
void go_on(const Stage& stage) {
  for (int i = 0; i < 2; ++i) stage.log_operation(kVictim, text);
  stage.board->rests = 1;
  for (;;) ::pause();
}

Operation with_signal(const Operation& operation, bool replaced) {
  Operation changed = operation;
  changed.afterwards = go_on;
  changed.drops = true;  // of the handler, if it comes in the middle of a record
  if (replaced) changed.old_bus = "old";
  return changed;
}

class Runner : private Scene {
 public:
  /// `changed` is what is done here, `operation` what it was.
  Runner(const Operation& changed, const Operation& operation)
      : Scene(changed), may_drop_(operation.drops), replaced_(changed.old_bus != operation.old_bus) {
    board = stage_.board;
  }

  using Scene::record;

  void signal_at(const Trace& trace, std::size_t place, Outcome& outcome) {
    const testing::TempDir directory;
    try {
      set(directory.path());
      with_victim(operation_, [&](Stepper& stepper) {
        outcome.count(stepper.run_to(trace, place));
        if (replaced_) stage_.in_process([this] { stage_.replace_bus(); });
        if (stepper.let_go_with(SIGUSR1)) wait_for_rest(stepper.pid());
      });
      stage_.in_process([this] { check(stage_, operation_); });
      check_own_records();
    } catch (const std::exception& error) {
      outcome.fail("place " + std::to_string(place) + (replaced_ ? ", bus replaced: " : ": ") + error.what());
    }
  }

 private:
  void wait_for_rest(pid_t pid) {
    const auto end = steady_clock::now() + std::chrono::seconds(10);
    while (stage_.board->rests == 0) {
      if (steady_clock::now() > end) throw std::runtime_error("it does not go on");
      ::usleep(50);
    }
    stage_.in_process([this, pid] {
      check_lanes("test", pid, 1);
      if (operation_.old_bus != nullptr) check_lanes(operation_.old_bus, pid, 0);
    });
  }

  /// A thread has one lane, on the current bus; an old one has been left.
  void check_lanes(const std::string& bus, pid_t pid, std::size_t wanted) {
    shm::BusOptions options = stage_.options;
    options.bus = bus;
    const auto segment = shm::Segment::open_existing(options, shm::Segment::Role::kSidecar);
    std::size_t lanes = 0, slots = 0;
    for (std::uint32_t i = 0; i < segment.lanes(); ++i) {
      const detail::LaneWord word = detail::unpack_lane(segment.producer_line(i).word.load());
      lanes += word.state == detail::LaneState::kOpen &&
               segment.slot(word.slot).pid.load() == static_cast<std::uint32_t>(pid);
    }
    // One that was given up comes free when its lanes have been read.
    for (std::uint32_t i = 0; i < segment.slots(); ++i)
      slots += segment.slot(i).pid.load() == static_cast<std::uint32_t>(pid) &&
               !shm::LifeLock::try_take(segment, shm::kSlotLockBase + i).held();
    if (lanes != wanted || slots != wanted)
      throw std::runtime_error("on bus " + bus + " it has " + std::to_string(lanes) + " lanes and " +
                               std::to_string(slots) + " slots");
  }

  /// Whatever the handler's come to.
  void check_own_records() {
    for (std::size_t n = 0; !may_drop_ && n < board->returned[kVictim]; ++n)
      if (board->seen[kVictim][n] != 1) throw std::runtime_error("record " + std::to_string(n) + " is lost");
  }

  bool may_drop_;
  bool replaced_;
};

}  // namespace

void hunt_signal(const Operation& operation, const Settings& settings, Outcome& outcome) {
  logger = &get_logger("kill");
  struct sigaction action = {};
  action.sa_handler = &log_in_handler;
  ::sigaction(SIGUSR1, &action, nullptr);
  std::mt19937_64 random(settings.seed);
  for (const bool replaced : {false, true}) {
    if (replaced && (operation.old_bus != nullptr || operation.handler != Handler::kAttach)) break;
    const Operation changed = with_signal(operation, replaced);
    Runner runner(changed, operation);
    const Trace trace = runner.record();
    outcome.size = trace.size();
    const std::vector<std::size_t> places = choose(trace, settings, random);
    outcome.places += places.size();
    for (const std::size_t place : places)
      if (place < trace.size() && !outcome.is_enough(settings)) runner.signal_at(trace, place, outcome);
  }
}

}  // namespace logbus::kill_points
