// SPDX-License-Identifier: MIT
// Scenarios around a lane's data: laps, growing and punching, drops.
#include <unistd.h>

#include <cstdio>
#include <thread>

#include "stress.h"

namespace logbus::stress {

using namespace detail;
using testing::Put;

namespace {

/// Writes until it is told to stop, or killed. Closes and claims lanes now and then.
void write_forever(Stage& stage, std::mt19937_64& random, std::size_t largest, unsigned change_every) {
  Board& board = stage.board();
  const auto worker = attach(stage);
  shm::LaneOwner lane;
  while (claim(stage, *worker, lane)) {
    std::uint64_t last_lap = lane.writer.newest;
    for (unsigned n = 0; n < change_every && !board.stop.load(std::memory_order_relaxed); ++n) {
      // Mostly small, sometimes as large as may be.
      const std::size_t bound = random() % 16 == 0 ? largest : random() % 4 == 0 ? largest / 8 : 128;
      const std::size_t size = 16 + random() % (bound / 8) * 8;
      if (put_here(lane, size, random() % 4 == 0 ? 30 : 20) == Put::kDropped) {
        board.drops.add();
        std::this_thread::yield();
      }
      if (lane.writer.newest != last_lap) {
        last_lap = lane.writer.newest;
        board.laps.add();
      }
    }
    lane.close();
  }
}

void read_forever(Stage& stage, bool sweep_often) {
  CheckedReader reader(stage.options(), stage.board());
  while (!stage.board().stop.load(std::memory_order_relaxed)) {
    const std::uint64_t n = reader.pass();
    if (sweep_often)
      reader.caretaker().sweep_all();
    else
      reader.caretaker().look_after();
    if (n == 0) std::this_thread::yield();
  }
}

/// Writers and a reader, killed in turns; then everything is drained.
void lanes_under_kills(const Settings& settings, Board& totals, shm::BusOptions options, std::size_t largest,
                       bool sweep_often) {
  Stage stage(settings, std::move(options));
  for (int i = 0; i < 3; ++i)
    stage.start("writer", [&](std::mt19937_64& random) { write_forever(stage, random, largest, 20'000); });
  stage.start("reader", [&](std::mt19937_64&) { read_forever(stage, sweep_often); });
  stage.run(std::chrono::milliseconds(12), {"writer", "writer", "reader", "writer"});
  stage.finish();
  CheckedReader(stage.options(), stage.board()).drain_to_the_end();
  copy_board(stage.board(), totals);
}

}  // namespace

void laps(const Settings& settings, Board& totals) {
  shm::BusOptions options;
  options.lanes = 6;
  options.lane_size = 64 << 10;
  options.sites = 64;
  options.memory = 64 << 20;
  options.max_hold = std::chrono::milliseconds(2);
  lanes_under_kills(settings, totals, options, 16'000, false);
}

void grow(const Settings& settings, Board& totals) {
  shm::BusOptions options;
  options.lanes = 6;
  options.lane_size = 512 << 10;
  options.sites = 64;
  options.memory = 900 << 10;  // short at once: every sweep trims
  options.max_hold = std::chrono::milliseconds(2);
  lanes_under_kills(settings, totals, options, 90'000, true);
}

/// Nobody is killed: every call is either read or told as dropped, lane by lane.
void drop(const Settings& settings, Board& totals) {
  shm::BusOptions options;
  options.lanes = 6;
  options.lane_size = 64 << 10;
  options.sites = 64;
  options.memory = 200 << 10;
  options.max_hold = std::chrono::milliseconds(2);
  Stage stage(settings, options);
  Board& board = stage.board();
  for (int i = 0; i < 3; ++i) {
    stage.start("writer", [&](std::mt19937_64& random) {
      const auto worker = attach(stage);
      shm::LaneOwner lane;
      while (claim(stage, *worker, lane)) {
        for (unsigned n = 0; n < 5000 && !board.stop.load(); ++n) {
          board.calls[lane.lane].add();
          if (put_here(lane, 16 + random() % 250 * 8, static_cast<int>(random() % 6) * 10) == Put::kDropped) {
            board.drops.add();
            if (random() % 64 == 0) ::usleep(200);
          }
        }
        lane.close();
      }
    });
  }
  stage.start("reader", [&](std::mt19937_64& random) {
    CheckedReader reader(stage.options(), board);
    while (!board.stop.load()) {
      reader.pass();
      reader.caretaker().sweep_all();
      if (random() % 4 == 0) ::usleep(2000);
    }
  });
  stage.run(std::chrono::milliseconds(20), {});
  stage.finish();
  CheckedReader reader(stage.options(), board);
  reader.drain_to_the_end();
  std::uint64_t dropped_in_all = 0;
  for (std::uint32_t i = 0; i < reader.segment().lanes(); ++i) {
    const shm::ProducerLine& line = reader.segment().producer_line(i);
    std::uint64_t dropped = 0;
    for (const Word64& n : line.dropped) dropped += n.load();
    dropped_in_all += dropped;
    if (board.given[i] + dropped != board.calls[i] || line.records.load() != board.given[i]) {
      std::fprintf(stderr, "drop: lane %u: %lu calls, %lu read, %lu committed, %lu dropped\n", i,
                   board.calls[i].load(), board.given[i].load(), line.records.load(), dropped);
      board.lost.add();
    }
  }
  if (board.told != dropped_in_all || board.drops != dropped_in_all) {
    std::fprintf(stderr, "drop: %lu dropped, %lu told\n", dropped_in_all, board.told.load());
    board.lost.add();
  }
  copy_board(board, totals);
}

}  // namespace logbus::stress
