// SPDX-License-Identifier: MIT
// Lanes that overwrite: writers that are killed, a reader that stands still at any moment, somebody who
// dumps.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <thread>

#include "shm/snapshot.h"
#include "stress.h"

namespace logbus::stress {

using namespace detail;

namespace {

/// What a record says of itself: who wrote it, and where.
std::uint64_t mark_of(std::uint64_t tenancy, std::uint64_t position) {
  return tenancy << 40 | (position & ((std::uint64_t{1} << 40) - 1));
}

/// Bursts, so that sometimes the reader is ahead, and sometimes laps behind. Two threads, that is lanes, of
/// which one is given back and claimed again all the time: with all lanes taken, another's must make room.
void write_rings(Stage& stage, std::mt19937_64& random) {
  Board& board = stage.board();
  const auto worker = attach(stage);
  shm::LaneOwner lanes[2] = {};
  while (!board.stop.load(std::memory_order_relaxed)) {
    shm::LaneOwner& lane = lanes[random() % 8 == 0 ? 0 : 1];
    if (!lane.has_lane() && !claim(stage, *worker, lane)) break;
    for (std::uint64_t n = random() % 3000; n > 0; --n) {
      const std::size_t bound = random() % 64 == 0 ? 65'000 : random() % 8 == 0 ? 4000 : 128;
      const std::size_t payload = 16 + random() % (bound / 8) * 8;
      LaneWriter& writer = lane.writer;
      (void)writer.enter();
      const std::uint32_t size = LaneWriter::frame_bytes(static_cast<std::uint32_t>(payload));
      if (!writer.has_room(size, 0) && lane.make_room(size, 20, true) != shm::Room::kReady) {
        writer.leave();
        // Of a new lane whose memory a reader was about to take back when it was stopped.
        board.drops.add();
        board.calls[lane.lane].add();
        continue;
      }
      const std::uint64_t mark = mark_of(lane.tenancy, writer.position);
      std::byte* at = writer.begin(size, frame_tag(FrameKind::kRecord, 1));
      testing::fill_pattern({at, size - sizeof(FrameHeader)}, mark);
      if (writer.commit()) shm::ring(worker->segment().shared());
      lane.after_commit();
      board.calls[lane.lane].add();
    }
    if (random() % 4 == 0 && lane.has_lane()) lane.close();
    if (random() % 16 == 0) ::usleep(static_cast<useconds_t>(random() % 3000));
  }
}

/// Of frames that are in a copy of our own.
/// `back`: so many tenancies ago.
void check(Board& board, std::span<const std::byte> copy, std::uint64_t tenancy, std::uint64_t position,
           std::uint64_t back = 0) {
  std::uint64_t mark = 0;
  if (!testing::check_pattern(copy, mark))
    board.torn.add();
  else if (mark << 24 != position << 24)
    board.misplaced.add();
  else if (mark >> 40 > tenancy || mark >> 40 < tenancy - back)
    board.misplaced.add();
}

class RingReader {
 public:
  RingReader(const shm::BusOptions& options, Board& board)
      : board_(board),
        segment_(shm::Segment::open(options, shm::Segment::Role::kSidecar)),
        caretaker_(segment_, options, ""),
        merge_(segment_, caretaker_) {}

  std::uint64_t pass(bool everything = false) {
    merge_.pass(everything);
    shm::Frame frame;
    std::uint32_t lane = 0;
    std::uint64_t n = 0;
    while (merge_.next(frame, lane)) {
      ++n;
      if (frame.kind() == FrameKind::kBlock) {
        tell(lane);
        continue;
      }
      if (frame.kind() == FrameKind::kGap) {
        GapFrame gap;
        std::memcpy(&gap, frame.payload - sizeof(FrameHeader), sizeof gap);
        if (!merge_.is_overwritten(frame, lane)) tell_drops(lane, gap.dropped[kSeverity]);
        continue;
      }
      copy_.assign(frame.payload, frame.payload + frame.payload_size);
      const LaneWord word = unpack_lane(segment_.producer_line(lane).word.load(std::memory_order_acquire));
      if (merge_.is_overwritten(frame, lane)) {
        tell(lane);
        continue;
      }
      check(board_, copy_, word.tenancy, frame.position);
      board_.given[lane].add();
      board_.records.add();
    }
    for (const std::uint32_t untold : merge_.lanes_with_untold_drops()) {
      tell_drops(untold, segment_.producer_line(untold).dropped[kSeverity].load(std::memory_order_acquire));
      const std::uint64_t lost = merge_.untold_losses(untold);
      merge_.pass_over(untold, lost);
      board_.told.add(lost);
      told_[untold] += lost;
    }
    merge_.commit();
    board_.quarantined.add(merge_.take_quarantined().size());
    board_.passes.add();
    return n;
  }

  /// All writers are gone: what was called is given or told, lane by lane. Who was killed may have been
  /// between a record and its count.
  void balance() {
    for (int i = 0; i < 3; ++i) {
      caretaker_.sweep_all();
      pass(true);
    }
    std::uint64_t more = 0;
    for (std::uint32_t i = 0; i < segment_.lanes(); ++i) {
      const std::uint64_t seen = board_.given[i] + told_[i];
      if (seen < board_.calls[i]) {
        std::fprintf(stderr, "ring: lane %u: %lu calls, %lu given, %lu told\n", i, board_.calls[i].load(),
                     board_.given[i].load(), told_[i]);
        board_.lost.add();
      }
      more += seen - std::min<std::uint64_t>(seen, board_.calls[i]);
      const LaneWord word = unpack_lane(segment_.producer_line(i).word.load());
      if (word.state != LaneState::kFree) {
        std::fprintf(stderr, "ring: lane %u is not given back\n", i);
        board_.lost.add();
      }
    }
    if (more > board_.kills) {
      std::fprintf(stderr, "ring: %lu records more than calls, %lu kills\n", more, board_.kills.load());
      board_.lost.add();
    }
  }
  shm::Caretaker& caretaker() { return caretaker_; }

 private:
  static constexpr std::size_t kSeverity = severity_of(20);  // of all records
  void tell_drops(std::uint32_t lane, std::uint64_t dropped) {
    told_[lane] += dropped - merge_.reported(lane)[kSeverity];
    merge_.take_as_told(lane, kSeverity, dropped);
  }
  void tell(std::uint32_t lane) {
    board_.told.add(merge_.lost());
    told_[lane] += merge_.lost();
  }

  Board& board_;
  shm::Segment segment_;
  shm::Caretaker caretaker_;
  consumer::LaneMerge merge_;
  std::vector<std::byte> copy_;
  std::array<std::uint64_t, kMaxLanes> told_ = {};
};

void dump_rings(Stage& stage, std::mt19937_64& random) {
  Board& board = stage.board();
  shm::Snapshot snapshot = shm::Snapshot::of_bus(stage.options());
  while (!board.stop.load(std::memory_order_relaxed)) {
    const auto lane = static_cast<std::uint32_t>(random() % snapshot.lanes());
    const shm::LaneContents contents = snapshot.read_lane(lane);
    // Of a lane that is being given back and let at this moment also what has been read.
    const std::uint64_t tenancy = unpack_lane(contents.word).tenancy;
    for (const shm::Frame& frame : contents.frames)
      check(board, {frame.payload, frame.payload_size}, tenancy, frame.position,
            std::min<std::uint64_t>(tenancy, 2));
    if (contents.corrupt_at) board.quarantined.add();
    board.sleeps.add();  // dumps
    ::usleep(static_cast<useconds_t>(random() % 2000));
  }
}

}  // namespace

void ring(const Settings& settings, Board& totals) {
  shm::BusOptions options;
  options.lanes = 5;
  options.lane_size = 256 << 10;
  options.sites = 64;
  options.memory = 2 << 20;  // what is kept back for others leaves all rings their length
  options.overflow = Policy::kOverwrite;
  options.max_hold = std::chrono::milliseconds(2);
  Stage stage(settings, options);
  Board& board = stage.board();
  for (int i = 0; i < 2; ++i)
    stage.start("writer", [&](std::mt19937_64& random) { write_rings(stage, random); });
  stage.start("dump", [&](std::mt19937_64& random) {
    while (::access(shm::bus_path(stage.options()).c_str(), F_OK) != 0) std::this_thread::yield();
    dump_rings(stage, random);
  });
  // Stopped and continued, not killed: what it has given and not committed would be given again.
  stage.start("reader", [&](std::mt19937_64&) {
    RingReader reader(stage.options(), board);
    while (!board.stop.load(std::memory_order_relaxed) || reader.caretaker().any_worker()) {
      reader.pass();
      reader.caretaker().look_after();
    }
    reader.balance();
  });
  stage.run(std::chrono::milliseconds(6), {"~reader", "~reader", "~reader", "writer", "~reader", "~dump"});
  stage.finish();
  copy_board(board, totals);
}

}  // namespace logbus::stress
