// SPDX-License-Identifier: MIT
// A sidecar is killed, perhaps the one that comes after it too, and the next one must leave the files as if
// nobody had been.
#include <algorithm>
#include <compare>
#include <filesystem>
#include <map>
#include <random>
#include <set>
#include <stdexcept>

#include "hunt.h"
#include "one_thread.h"
#include "scene.h"
#include "shm/segment.h"
#include "sidecar_oracle.h"
#include "small_disk.h"
#include "support/shm_bus.h"
#include "watch.h"

namespace logbus::kill_points {
namespace {

/// Where a killed sidecar leaves a journal that is not empty, so many places are looked at in a sample.
constexpr std::size_t kSampledFirsts = 3;
/// And of each of these a part of what is asked for.
constexpr std::size_t kFirstsShare = 4;
/// Of an instruction in loops, if all are wanted.
constexpr std::uint32_t kMostOfOne = 4;

enum class Kind {
  kInstruction,
  kHalfWrite,  // before the second half of the write there
  kCall,       // a way into the kernel or out of it, or the middle of a write
};
struct Point {
  std::size_t place;
  Kind kind = Kind::kInstruction;
  auto operator<=>(const Point&) const = default;
};

/// A run of an operation, and what it made of the journal.
struct Run {
  Trace trace;
  std::map<std::size_t, shm::JournalState> states;  // from these places on

  shm::JournalState state_at(std::size_t place) const {
    const auto next = states.upper_bound(place);
    return next == states.begin() ? shm::JournalState::kEmpty : std::prev(next)->second;
  }
  std::vector<Point> points() const {
    std::vector<Point> points;
    for (const std::size_t place : trace.changes()) points.push_back({place});
    for (const std::size_t place : trace.writes()) points.push_back({place, Kind::kHalfWrite});
    return points;
  }
};

class Runner : private Scene {
 public:
  Runner(const Operation& operation, Outcome& outcome) : Scene(operation), outcome_(outcome) {
    stage_.directory = stage_.options.directory = directory_.path();
    std::filesystem::create_directory(directory_.path() + "/logs");
    if (operation.small_disk) disk_ = std::make_unique<SmallDisk>(directory_.path() + "/logs");
    empty();
    shm::BusOptions options = stage_.options;
    if (operation.sidecar_options != nullptr) operation.sidecar_options(options);
    stage_.sidecar = std::make_shared<OneThread>(operation.configuration(stage_), options);
    if (operation.next_options != nullptr) operation.next_options(options);
    if (operation.next_configuration != nullptr)
      stage_.next = std::make_shared<OneThread>(operation.next_configuration(stage_), options);
  }

  /// What is wanted: what is there if a sidecar ends with its operation.
  template <class Look>
  void learn(Look look) {
    set_anew();
    with_victim(first_operation(), look);
    finish();
    wanted_ = files();
    counters_ = counters();
    check_records_of(stage_, wanted_);
  }
  /// The same, and every step of it.
  Run learn_steps() {
    Run run;
    learn([&](Stepper& stepper) { run = record(stepper); });
    return run;
  }
  std::size_t learn_calls() {
    std::size_t calls = 0;
    learn([&](Stepper& stepper) { calls = stepper.count_calls(); });
    return calls;
  }

  /// What the next one does, if one has been killed there.
  template <class Look>
  void look_behind(const Run& first, Point point, Look look) {
    set_anew();
    kill(*operation_.first, first, point);
    with_victim(operation_, look);
  }
  Run record_behind(const Run& first, Point point) {
    Run run;
    look_behind(first, point, [&](Stepper& stepper) { run = record(stepper); });
    return run;
  }
  std::size_t calls_behind(const Run& first, Point point) {
    std::size_t calls = 0;
    look_behind(first, point, [&](Stepper& stepper) { calls = stepper.count_calls(); });
    return calls;
  }

  void kill_at(const Run& run, Point point, const Run* first = nullptr, Point first_point = {}) {
    try {
      set_anew();
      if (first != nullptr) kill(*operation_.first, *first, first_point);
      kill(operation_, run, point);
      // Whoever comes next does not get farther.
      if (first != nullptr) kill(operation_, run, point);
      finish();
      check_files(files(), wanted_);
      // A bus that is replaced has a counter of its own.
      if (first_operation().companion == nullptr && counters() != counters_)
        throw std::runtime_error("the counters are " + counters() + " and should be " + counters_);
    } catch (const std::exception& error) {
      std::string where = (point.kind == Kind::kCall ? "call " : "place ") + std::to_string(point.place) +
                          (point.kind == Kind::kHalfWrite ? " and a half" : "");
      if (first != nullptr) where += " behind place " + std::to_string(first_point.place);
      outcome_.fail(where + ": " + error.what());
    }
  }

 private:
  const Operation& first_operation() const {
    return operation_.first == nullptr ? operation_ : *operation_.first;
  }
  /// Always in the same directory: reading a configuration takes as long as all the rest.
  void set_anew() {
    empty();
    set(directory_.path());
  }
  void empty() {
    for (const char* name : {"", "/logs"})
      for (const auto& entry : std::filesystem::directory_iterator(directory_.path() + name))
        if (entry.path().filename() != "logs") std::filesystem::remove_all(entry.path());
  }
  Run record(Stepper& stepper) const {
    Run run;
    Watch watch(stage_.directory);
    std::size_t place = 0;
    stepper.record(run.trace, [&] {
      ++place;
      const bool changed = watch.changed();
      if (changed && watch.journal_state() != run.state_at(place)) run.states[place] = watch.journal_state();
      return changed;
    });
    return run;
  }

  void kill(const Operation& operation, const Run& run, Point point) {
    with_victim(operation, [&](Stepper& stepper) { run_to(stepper, run, point); });
    if (operation_.others != nullptr) operation_.others(stage_);
  }

  void run_to(Stepper& stepper, const Run& run, Point point) {
    if (point.kind == Kind::kCall) {
      ++outcome_.calls;
      if (stepper.run_to_call(point.place)) ++outcome_.halves;
      return;
    }
    outcome_.count(stepper.run_to(run.trace, point.place));
    if (point.kind == Kind::kHalfWrite && stepper.write_half()) ++outcome_.halves;
  }

  void finish() {
    Stage stage = stage_;
    if (stage.next != nullptr) stage.sidecar = stage.next;
    stage.in_process([&stage] { finish_bus(stage); });
  }

  Files files() const {
    const Files files = files_of(stage_);
    return operation_.joined ? joined(files) : files;
  }

  std::string counters() const {
    std::string text;
    for (const auto& counter : stage_.board->counters) text += " " + std::to_string(counter);
    return text;
  }

  const testing::TempDir directory_;
  std::unique_ptr<SmallDisk> disk_;
  Outcome& outcome_;
  Files wanted_;
  std::string counters_;
};

/// Of each instruction one of the times at which it is met.
std::vector<Point> one_of_each(const Run& run, std::vector<Point> points, std::mt19937_64& random) {
  std::shuffle(points.begin(), points.end(), random);
  std::set<std::pair<std::uintptr_t, Kind>> known;
  std::erase_if(points, [&](const Point& point) {
    const std::size_t changes = point.kind == Kind::kHalfWrite ? point.place : point.place - 1;
    return !known.emplace(run.trace.pc(changes), point.kind).second;
  });
  return points;
}

/// What makes a difference, and some more.
std::vector<Point> choose(const Run& run, const Settings& settings, std::mt19937_64& random) {
  if (settings.place) return {{*settings.place}};
  std::vector<Point> points = one_of_each(run, run.points(), random);
  if (settings.sample != 0 && !settings.mutant) {
    if (points.size() < settings.sample) {
      points = run.points();
      std::shuffle(points.begin(), points.end(), random);
    }
    if (points.size() > settings.sample) points.resize(settings.sample);
    points.push_back({random() % run.trace.size()});
    return points;
  }
  std::vector<Point> all = run.points();
  if (settings.mutant) {
    points.insert(points.end(), all.begin(), all.end());
    return points;
  }
  std::set<Point> known(all.begin(), all.end());
  std::vector<Point> others;
  for (const std::size_t place : run.trace.places(kMostOfOne))
    if (known.insert({place}).second) others.push_back({place});
  if (settings.longest.count() != 0) std::shuffle(others.begin(), others.end(), random);
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

std::vector<Point> some_calls(std::size_t calls, const Settings& settings, std::mt19937_64& random) {
  std::vector<Point> points(calls);
  for (std::size_t i = 0; i < calls; ++i) points[i] = {i, Kind::kCall};
  std::shuffle(points.begin(), points.end(), random);
  if (settings.sample != 0 && !settings.mutant) points.resize(std::min(calls, settings.sample));
  return points;
}

/// Where the journal is left so that there is something to do: all, or some.
std::vector<Point> choose_firsts(const Operation& operation, const Run& run, const Settings& settings,
                                 std::mt19937_64& random) {
  std::vector<Point> firsts = run.points();
  std::erase_if(firsts, [&](const Point& point) { return run.state_at(point.place) != operation.left; });
  if (firsts.empty()) throw std::runtime_error("nobody leaves the journal so");
  if (settings.sample == 0) return firsts;
  firsts = one_of_each(run, std::move(firsts), random);
  if (!settings.mutant) firsts.resize(std::min(firsts.size(), kSampledFirsts));
  return firsts;
}

}  // namespace

void hunt_sidecar(const Operation& operation, const Settings& all_settings, Outcome& outcome) {
  Settings settings = all_settings;
  if (operation.first != nullptr) settings.longest = {};  // a share of it for each
  if (operation.first != nullptr && settings.sample != 0)
    settings.sample = std::max<std::size_t>(1, settings.sample / kFirstsShare);
  std::mt19937_64 random(settings.seed);
  Runner runner(operation, outcome);
  const bool steps = !operation.is_longest && (!operation.is_long || settings.sample == 0);
  const auto kill_at = [&](const Run& run, const std::vector<Point>& points, const Run* first = nullptr,
                           Point first_point = {}) {
    outcome.places += points.size();
    for (const Point point : points) {
      if (outcome.is_enough(settings)) return;
      runner.kill_at(run, point, first, first_point);
    }
  };
  if (operation.first == nullptr && !steps)
    return kill_at({}, some_calls(runner.learn_calls(), settings, random));
  const Run run = runner.learn_steps();
  outcome.size = run.trace.size();
  if (operation.first == nullptr) return kill_at(run, choose(run, settings, random));
  std::vector<Point> firsts = choose_firsts(operation, run, settings, random);
  if (all_settings.longest.count() != 0) std::shuffle(firsts.begin(), firsts.end(), random);
  for (const Point first : firsts) {
    if (outcome.is_enough(all_settings)) return;
    ++outcome.firsts;
    settings.longest += all_settings.longest / firsts.size();
    if (steps) {
      const Run second = runner.record_behind(run, first);
      outcome.size += second.trace.size();
      kill_at(second, choose(second, settings, random), &run, first);
    } else {
      kill_at({}, some_calls(runner.calls_behind(run, first), settings, random), &run, first);
    }
  }
}

}  // namespace logbus::kill_points
