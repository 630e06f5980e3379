// SPDX-License-Identifier: MIT
// What is asked of a run, and what came of it.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "operation.h"
#include "stepper.h"

namespace logbus::kill_points {

struct Settings {
  std::size_t sample = 25;  // places of each operation; 0: all
  std::uint64_t seed = 1;
  std::string operation;
  std::optional<std::size_t> place;
  std::chrono::milliseconds longest{0};  // for an operation; 0: as long as it takes
  bool mutant = false;                   // ends with the first failure, which is wanted
  bool sidecar = false;                  // it is killed, not a worker
  bool signal = false;                   // a signal comes, whose handler logs, and nobody is killed
};

struct Outcome {
  std::size_t size = 0;    // instructions
  std::size_t firsts = 0;  // places where the one before is killed
  std::size_t places = 0;  // chosen, of which those that make a difference come first
  std::size_t there = 0, elsewhere = 0, after = 0, calls = 0, halves = 0, in_flight = 0, failed = 0;
  std::vector<std::string> failures;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();

  /// No more of them: it is long enough, or, of a mutant, has failed.
  bool is_enough(const Settings& settings) const {
    if (settings.mutant) return failed != 0;
    return settings.longest.count() != 0 && std::chrono::steady_clock::now() - started > settings.longest;
  }
  void count(Stepper::Reached reached) {
    ++(reached == Stepper::Reached::kThere       ? there
       : reached == Stepper::Reached::kElsewhere ? elsewhere
                                                 : after);
  }
  void fail(std::string what) {
    constexpr std::size_t kTold = 5;
    ++failed;
    if (failures.size() < kTold) failures.push_back(std::move(what));
  }
};

/// Places of a worker's operation. Throws if it can't be looked at.
std::vector<std::size_t> choose(const Trace& trace, const Settings& settings, std::mt19937_64& random);

/// An operation of a sidecar, or of a worker that gets a signal. Throws if it can't be looked at.
void hunt_sidecar(const Operation& operation, const Settings& settings, Outcome& outcome);
void hunt_signal(const Operation& operation, const Settings& settings, Outcome& outcome);

}  // namespace logbus::kill_points
