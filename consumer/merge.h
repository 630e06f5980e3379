// SPDX-License-Identifier: MIT
// Frames of all lanes in the order of their stamps.
#pragma once

#include <algorithm>
#include <compare>
#include <cstdint>
#include <utility>
#include <vector>

#include "shm/caretaker.h"
#include "shm/doorbell.h"
#include "shm/frame_parser.h"
#include "shm/segment.h"

namespace logbus::consumer {

/// The reader's side of every lane, and the watermark below which no record can come any more. Used by one
/// thread, the lease holder's. Frames only: what a payload means is the drain's business.
class LaneMerge {
 public:
  LaneMerge(const shm::Segment& segment, shm::Caretaker& caretaker);

  /// Looks at all lanes once: new frames, the watermark. Cheap for idle lanes. `everything`: no watermark,
  /// all that is committed now is ready.
  void pass(bool everything);

  /// The next ready frame, oldest first; false: none until another pass. `frame` lies in shared memory. Of a
  /// lane that overwrites a kBlock frame says that what came before it was lost: lost().
  bool next(shm::Frame& frame, std::uint32_t& lane);
  /// After the last frame given has been copied, and looked up whose it is: its writer may have overwritten
  /// it. True: the copy is worth nothing.
  bool is_overwritten(const shm::Frame& frame, std::uint32_t lane) noexcept {
    return overwrites_ && was_overwritten(frame, lane);
  }
  /// Records lost by that, or before the kBlock frame given last.
  std::uint64_t lost() const noexcept { return lost_; }

  /// Whether the last pass left nothing to give, not even later.
  bool empty() const noexcept { return heap_.empty() && run_ == kNoLane; }
  /// Frames that are committed but wait for the watermark.
  bool holding() const noexcept { return holding_; }
  /// No record with a lower stamp comes any more, as of the last pass.
  std::uint64_t watermark() const noexcept { return watermark_; }
  /// Whether there is something that the last pass has not seen. May be asked without a pass.
  bool anything_new() const noexcept;
  /// A lane's read position, and the drops told of it.
  struct Position {
    std::uint32_t lane;
    std::uint64_t tenancy;
    std::uint64_t read;
    std::uint64_t passed;
    const std::uint64_t (*reported)[detail::kSeverities];
  };
  /// Where the lanes are read to, as far as that has changed: past all frames given so far, or all but the
  /// last one.
  void collect(bool with_last, std::vector<Position>& positions) const;
  /// These frames have been handled: the lanes' read positions move.
  void commit(bool with_last = true) noexcept;
  /// The last frame given is over with, whatever commit() says of it.
  void finish_last() noexcept { last_lane_ = kNoLane; }
  /// The lane's counter makes no sense: from now on it counts from here.
  void take_as_told(std::uint32_t lane, std::size_t severity, std::uint64_t dropped) noexcept {
    lanes_[lane].reported[severity] = dropped;
  }
  /// Drops of this lane, told so far.
  const std::uint64_t (&reported(std::uint32_t lane) const)[detail::kSeverities] {
    return lanes_[lane].reported;
  }
  /// So many have been told now; commit() makes it known.
  void report(std::uint32_t lane, const std::uint64_t (&dropped)[detail::kSeverities]);

  /// Lanes with drops that no gap frame will tell of: drained, and dead, closed or quiet.
  /// Called once each until reported() has caught up.
  std::vector<std::uint32_t> lanes_with_untold_drops();
  /// Of such a lane: records overwritten that no block frame will tell of.
  std::uint64_t untold_losses(std::uint32_t lane) const noexcept;
  /// They have been told.
  void pass_over(std::uint32_t lane, std::uint64_t losses) noexcept { lanes_[lane].passed += losses; }

  struct Quarantined {
    std::uint32_t lane;
    std::uint64_t position;  // where it stopped making sense
    bool operator==(const Quarantined&) const = default;
  };
  /// Lanes found corrupt since the last call. A lane that is so again and again comes once in a while.
  std::vector<Quarantined> take_quarantined() { return std::exchange(quarantined_, {}); }

  shm::Doorbell& doorbell() noexcept { return doorbell_; }
  /// The last frame given has an older stamp than one given before it, by whomever.
  bool last_was_late() const noexcept { return last_ticks_ < newest_before_; }
  /// The newest stamp of all frames given so far, or of all but the last one.
  std::uint64_t newest_ticks(bool with_last) const noexcept {
    return with_last || last_lane_ == kNoLane ? std::max(newest_before_, last_ticks_) : newest_before_;
  }

 private:
  struct Lane {
    std::uint64_t cursor = 0;      // next frame to parse
    std::uint64_t given = 0;       // one past the last frame that next() gave
    std::uint64_t changed_ns = 0;  // monotonic: when `committed` last moved
    std::uint64_t told_ns = 0;     // monotonic: when its quarantine was last told; 0: never
    shm::LaneView view;            // as of the last pass
    shm::Frame head;
    bool has_head = false;
    bool head_is_old = false;  // it was there in the pass before
    bool corrupt = false;
    bool touched = false;             // given, not yet committed
    std::uint64_t passed = 0;         // of a lane that overwrites: records given or lost
    std::uint64_t block_records = 0;  // of the block frame that is the head
    std::uint64_t reported[detail::kSeverities] = {};
  };
  struct HeapEntry {
    std::uint64_t ticks;
    std::uint32_t lane;
    auto operator<=>(const HeapEntry&) const = default;
  };
  static constexpr std::uint32_t kNoLane = ~std::uint32_t{0};

  bool refresh(std::uint32_t index, std::uint64_t committed);
  bool parse_head(std::uint32_t index, Lane& lane);
  shm::Parse parse_ring(std::uint32_t index);
  void count_passed(Lane& lane) noexcept;
  bool skip_overwritten_head();
  bool is_below_floor(std::uint32_t index, std::uint64_t position) const noexcept;
  bool was_overwritten(const shm::Frame& frame, std::uint32_t lane) noexcept;
  void queue_head(std::uint32_t index);
  bool start_run();
  void end_run();
  void touch(std::uint32_t index);
  std::uint64_t handled(std::uint32_t index, bool with_last) const noexcept {
    return index == last_lane_ && !with_last ? before_last_ : lanes_[index].given;
  }
  std::uint64_t passed(std::uint32_t index, bool with_last) const noexcept {
    return overwrites_ && index == last_lane_ && !with_last ? before_last_passed_ : lanes_[index].passed;
  }
  void quarantine(std::uint32_t index);
  bool try_leave_quarantine(std::uint32_t index);
  bool writer_is_gone(std::uint32_t index) const noexcept;
  void catch_anomalies(std::uint64_t now_ticks);

  const shm::Segment& segment_;
  shm::Caretaker& caretaker_;
  shm::Doorbell doorbell_;
  const bool overwrites_;
  std::uint64_t lost_ = 0;
  // What a pass reads and writes for every lane, close together.
  std::vector<std::uint64_t> committed_;
  std::vector<std::uint64_t> bound_;  // no frame that is not committed yet has a stamp below this
  std::vector<Lane> lanes_;
  std::vector<HeapEntry> heap_;         // heads but the run's, smallest first
  std::uint32_t run_ = kNoLane;         // the lane that gives frames now; it has a head
  HeapEntry run_end_{};                 // heads before this need no look at the heap
  std::vector<std::uint32_t> touched_;  // lanes with frames given since the last commit()
  std::vector<std::uint32_t> corrupt_;  // lanes in quarantine
  std::vector<Quarantined> quarantined_;
  double ticks_per_ns_;
  std::uint32_t last_lane_ = kNoLane;  // of the last frame given
  std::uint64_t before_last_passed_ = 0;
  std::uint64_t before_last_ = 0;  // given there before it
  std::uint64_t watermark_ = 0;
  std::uint64_t last_ticks_ = 0;     // of the last frame given
  std::uint64_t newest_before_ = 0;  // of those before it
  bool holding_ = false;
};

}  // namespace logbus::consumer
