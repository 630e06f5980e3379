// SPDX-License-Identifier: MIT
// What all stress scenarios share: a board in memory that outlives kills, processes, the reader with its
// checks.
#pragma once

#include <sys/types.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "merge.h"
#include "shm/caretaker.h"
#include "shm/lane_owner.h"
#include "shm/options.h"
#include "shm/segment.h"
#include "support/shm_bus.h"

namespace logbus::stress {

inline constexpr std::size_t kMaxLanes = 64;

struct Counter : std::atomic<std::uint64_t> {
  void add(std::uint64_t n = 1) { fetch_add(n, std::memory_order_relaxed); }
};

/// Shared by all processes of a scenario, anonymous memory.
struct Board {
  std::atomic<bool> stop;
  // Errors; each is one broken promise.
  Counter torn;         // a frame that is not what its writer wrote
  Counter misplaced;    // a frame at another position than its writer wrote it to
  Counter quarantined;  // a lane that made no sense
  Counter unordered;    // a stamp below a watermark that was there before it
  Counter taken;        // a lane or slot that its living owner lost
  Counter lost;         // a wake that did not come; an entry that is not there; drops that nobody told
  Counter failed;       // a process that ended otherwise than asked
  // Work done.
  Counter records, laps, drops, kills, stalls, claims, passes, grows, sleeps, blocks, told;
  Counter worst_us;
  std::array<Counter, kMaxLanes> calls;
  std::array<Counter, kMaxLanes> given;
  std::array<Counter, 1024> ids;

  std::uint64_t errors() const { return torn + misplaced + quarantined + unordered + taken + lost + failed; }
};

struct Settings {
  std::uint64_t seed = 1;
  std::chrono::milliseconds duration{3000};
  bool until_first_error = false;  // a mutant: stop as soon as it is caught
  bool fenced = false;             // the kernel refuses writers the membarrier: they fence themselves
};

/// One run of one scenario: its bus, its board, its processes.
class Stage {
 public:
  Stage(const Settings& settings, shm::BusOptions options);
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  Board& board() { return *board_; }
  const shm::BusOptions& options() const { return options_; }
  bool fenced() const { return settings_.fenced; }
  std::mt19937_64& random() { return random_; }

  /// A child that runs `work` with its own random numbers and must return.
  using Work = std::function<void(std::mt19937_64&)>;
  void start(const std::string& role, Work work);
  /// Kills a random child of that role, waits for it, starts another in its place.
  void replace(const std::string& role);
  /// Stops a random child of that role for a moment.
  void stall(const std::string& role);
  /// Until the time is up, or the first error if that is enough: kills about every `interval`, `roles` by
  /// turns; those with a ~ are stopped instead.
  void run(std::chrono::microseconds interval, const std::vector<std::string>& roles);
  /// Asks all children of that role to end and waits; with `deadline` passed they are killed and count as
  /// failed.
  void finish();

 private:
  struct Child {
    pid_t pid;
    std::string role;
    Work work;
  };
  pid_t fork_child(const Work& work);
  Child* any_of(const std::string& role);

  Settings settings_;
  std::unique_ptr<testing::TempDir> directory_;
  shm::BusOptions options_;
  Board* board_;
  std::mt19937_64 random_;
  std::vector<Child> children_;
};

/// The counts of a board that is about to go.
void copy_board(const Board& from, Board& to);

/// For writers: attaches, claims; waits out a moment without a free slot or lane. claim() is false once the
/// run stops.
std::unique_ptr<shm::Attachment> attach(Stage& stage);
bool claim(Stage& stage, shm::Attachment& to, shm::LaneOwner& lane);

/// A record whose payload says where its frame lies: read back elsewhere, or with other bytes, it is an
/// error.
/// `stopped`: see commit().
testing::Put put_here(shm::LaneOwner& lane, std::size_t payload, int levelno, bool may_wait = false,
                      std::uint64_t stopped = 0);

/// The lease holder with all its duties; checks every frame. One a process.
class CheckedReader {
 public:
  /// `ordered`: also that no record comes below a watermark that was there before it.
  CheckedReader(const shm::BusOptions& options, Board& board, bool ordered = false);
  /// One pass: takes what is ready, checks it, commits. Gives the number of records.
  std::uint64_t pass(bool everything = false);
  /// Drains all that is there, after all writers are gone; errors if something stays.
  void drain_to_the_end();

  shm::Segment& segment() { return *segment_; }
  shm::Caretaker& caretaker() { return *caretaker_; }
  consumer::LaneMerge& merge() { return *merge_; }

 private:
  void check(const shm::Frame& frame, std::uint32_t lane);

  Board& board_;
  std::unique_ptr<shm::Segment> segment_;
  std::unique_ptr<shm::Caretaker> caretaker_;
  std::unique_ptr<consumer::LaneMerge> merge_;
  std::vector<std::byte> copy_;
  bool ordered_;
  std::uint64_t watermark_ = 0;
  std::vector<std::uint64_t> lane_ticks_;
};

/// Puts this process on one processor, so that reader and writer run at the same time. No matter if it can't
/// be.
void stay_on(std::size_t processor);

inline std::uint64_t now_us() {
  return detail::clock_ns(CLOCK_MONOTONIC) / 1000;
}

// The scenarios. Each leaves its counts on the board.
void laps(const Settings&, Board& totals);
void grow(const Settings&, Board& totals);
void claims(const Settings&, Board& totals);
void sites(const Settings&, Board& totals);
void order(const Settings&, Board& totals);
void order_fenced(const Settings&, Board& totals);
void doorbell(const Settings&, Board& totals);
void doorbell_fenced(const Settings&, Board& totals);
void block(const Settings&, Board& totals);
void drop(const Settings&, Board& totals);
void ring(const Settings&, Board& totals);

}  // namespace logbus::stress
